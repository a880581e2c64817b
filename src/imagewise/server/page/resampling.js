// resampling.py once more: area averages when reducing, straight lines between pixels when enlarging.

import { clamp, plane, transposed } from "./planes.js";

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
