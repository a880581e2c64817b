// resampling.py once more: area averages when reducing, straight lines between pixels when enlarging.

import { clamp, plane, transposed } from "./arrays.js";

const LUMA = [299, 587, 114];
const WHITE = 1000; // of LUMA together

/** A picture to a plane of grey float32 levels: the mean of each block of factor x factor pixels. */
export function reduceBy({ data, height, width, channels }, factor) {
  const [high, wide] = [Math.min(factor, height), Math.min(factor, width)];
  const made = plane(Math.floor(height / high), Math.floor(width / wide), Float32Array);
  const divisor = Math.fround(WHITE * high * wide);
  const grey = new Float64Array(width);
  const sums = new Float32Array(made.width); // as NumPy adds them, so that it is rounded alike
  for (let y = 0; y < made.height; y++) {
    grey.fill(0);
    for (let i = y * high * width, row = 0; row < high; row++) {
      for (let x = 0; x < width; x++, i++) grey[x] += lumaAt(data, i * channels, channels);
    }
    sums.fill(0);
    for (let x = 0; x < made.width; x++) {
      for (let column = 0; column < wide; column++) sums[x] += Math.fround(grey[x * wide + column]);
    }
    for (let x = 0; x < made.width; x++) made.data[y * made.width + x] = sums[x] / divisor;
  }
  return made;
}

function lumaAt(data, i, channels) {
  return channels === 1 ? WHITE * data[i] : LUMA[0] * data[i] + LUMA[1] * data[i + 1] + LUMA[2] * data[i + 2];
}

/** A plane of float32 levels brought to height x width. A size that stays is not touched. */
export function resizePlane(levels, height, width) {
  if (levels.height !== height) levels = resizeRows(levels, height);
  if (levels.width !== width) levels = transposed(resizeRows(transposed(levels), width));
  return levels;
}

function resizeRows(levels, height) {
  const made = plane(height, levels.width, Float32Array);
  const sums = new Float64Array(levels.width);
  for (let y = 0; y < height; y++) {
    sums.fill(0);
    for (const [row, weight] of weights(levels.height, height, y)) {
      for (let x = 0; x < levels.width; x++) sums[x] += weight * levels.data[row * levels.width + x];
    }
    made.data.set(sums, y * levels.width);
  }
  return made;
}

/** [old pixel, its share] for the new pixel `index`. */
function weights(before, after, index) {
  const step = before / after;
  const centre = clamp((index + 0.5) * step - 0.5, 0, before - 1);
  const first = Math.max(0, Math.floor(step >= 1 ? index * step : centre) - 1);
  const last = Math.min(before - 1, Math.ceil(step >= 1 ? (index + 1) * step : centre) + 1);
  const shares = [];
  let total = 0;
  for (let old = first; old <= last; old++) {
    const share =
      step >= 1 ? Math.min((index + 1) * step, old + 1) - Math.max(index * step, old) : 1 - Math.abs(centre - old);
    if (share > 0) {
      shares.push([old, share]);
      total += share;
    }
  }
  return shares.map(([old, share]) => [old, Math.fround(share / total)]);
}
