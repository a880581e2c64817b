// What NumPy and Python do for ink.py and its neighbours: planes of numbers, rounding, sums.
//
// A plane is {data, height, width}: a typed array row by row. Levels are float32 where Python's are, and Math.fround is
// where NumPy rounds to float32.

export function plane(height, width, Kind) {
  return { data: new Kind(height * width), height, width };
}

/** A plane of the same size, each value made from the old one. */
export function mapped(source, Kind, make) {
  const made = plane(source.height, source.width, Kind);
  for (let i = 0; i < made.data.length; i++) made.data[i] = make(source.data[i], i);
  return made;
}

export function transposed(source) {
  const made = plane(source.width, source.height, source.data.constructor);
  for (let y = 0; y < source.height; y++) {
    for (let x = 0; x < source.width; x++) made.data[x * source.height + y] = source.data[y * source.width + x];
  }
  return made;
}

/** The rows top..bottom-1 and columns left..right-1. */
export function cut(source, top, left, bottom, right) {
  const made = plane(Math.max(0, bottom - top), Math.max(0, right - left), source.data.constructor);
  for (let y = 0; y < made.height; y++) {
    const start = (top + y) * source.width + left;
    made.data.set(source.data.subarray(start, start + made.width), y * made.width);
  }
  return made;
}

/** [top, left, bottom, right] around all values but 0; null where all are 0. */
export function boxOf(source) {
  let [top, left, bottom, right] = [source.height, source.width, 0, 0];
  for (let y = 0, i = 0; y < source.height; y++) {
    for (let x = 0; x < source.width; x++, i++) {
      if (!source.data[i]) continue;
      if (y < top) top = y;
      bottom = y + 1;
      if (x < left) left = x;
      if (x >= right) right = x + 1;
    }
  }
  return bottom ? [top, left, bottom, right] : null;
}

export function sum(values) {
  let total = 0;
  for (const value of values) total += value;
  return total;
}

export function extremes(values) {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return [low, high];
}

/** Python's round: halves go to the even neighbour. */
export function roundEven(value) {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return rest < 0.5 ? floor : floor + 1;
  return floor % 2 === 0 ? floor : floor + 1;
}

export function clamp(value, low, high) {
  return Math.min(Math.max(value, low), high);
}

export function mean(values) {
  return sum(values) / values.length;
}

/** statistics.median: between the two in the middle where there are two. */
export function median(values) {
  const sorted = Float64Array.from(values).sort();
  const half = sorted.length >> 1;
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}
