// windows.py once more: the largest value and the sum of square windows.

import { cut, mapped, plane, transposed } from "./arrays.js";
import { inverted } from "./masks.js";

/** The largest value of each square window of `reach` (odd) pixels; windows end at the picture's edge. */
export function largestAround(levels, reach) {
  return largestBeside(largestAbove(levels, reach), reach);
}

/** Over windows of `reach` (odd) rows: of two, then of four ..., so that a wide one takes little more time. */
export function largestAbove({ data, height, width }, reach) {
  const half = reach >> 1;
  const found = new data.constructor((height + 2 * half) * width);
  found.set(data, half * width);
  for (let row = 0; row < half; row++) {
    found.set(data.subarray(0, width), row * width);
    found.set(data.subarray((height - 1) * width), (half + height + row) * width);
  }
  largestAhead(found, reach, width, (height + 2 * half) * width);
  return { data: found.subarray(0, height * width), height, width };
}

/** The same over windows of `reach` (odd) columns. */
export function largestBeside({ data, height, width }, reach) {
  const half = reach >> 1;
  const row = width + 2 * half;
  const found = new data.constructor(height * row);
  for (let y = 0, at = 0; y < height; y++) {
    const [first, last] = [y * width, (y + 1) * width - 1];
    for (let n = 0; n < half; n++) found[at++] = data[first];
    for (let i = first; i <= last; i++) found[at++] = data[i];
    for (let n = 0; n < half; n++) found[at++] = data[last];
  }
  largestAhead(found, reach, 1, found.length); // beyond the end of a row it is of no use
  return cut({ data: found, height, width: row }, 0, 0, height, width);
}

/** Each value to the largest of itself and those `step`, 2 step, ... after it, `reach` in all. */
function largestAhead(values, reach, step, end) {
  for (let seen = 1; seen < reach; ) {
    const more = Math.min(seen, reach - seen);
    end -= more * step;
    for (let i = 0, j = more * step; i < end; i++, j++) if (values[j] > values[i]) values[i] = values[j];
    seen += more;
  }
}

/** The pixels of a mask whose whole window is in it. */
export function eroded(mask, reach) {
  return inverted(largestAround(inverted(mask), reach));
}

/** The sum of each square window of `reach` (odd) pixels, float64; windows end at the picture's edge. */
export function sumAround(levels, reach) {
  const half = reach >> 1;
  for (let twice = 0; twice < 2; twice++) {
    const { data, height, width } = levels;
    const made = plane(height, width, Float64Array);
    const above = new Float64Array(height + 1);
    for (let x = 0; x < width; x++) {
      for (let y = 0; y < height; y++) above[y + 1] = above[y] + data[y * width + x];
      for (let y = 0; y < height; y++) {
        made.data[y * width + x] = above[Math.min(height, y + half + 1)] - above[Math.max(0, y - half)];
      }
    }
    levels = transposed(made);
  }
  return levels;
}

/** How many pixels each of those windows has. */
export function windowSizes(height, width, reach) {
  const half = reach >> 1;
  const along = (place, side) => Math.min(place + half, side - 1) - Math.max(place - half, 0) + 1;
  return mapped(plane(height, width, Float64Array), Float64Array, (_, i) => {
    return along(Math.floor(i / width), height) * along(i % width, width);
  });
}
