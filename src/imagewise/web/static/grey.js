// grey.py once more: grey levels of a picture, reduced to a working size.
//
// A picture is {data, height, width, channels}: 1 (grey), 3 (RGB) or 4 (RGBA) channels of 8 bits, row by row.

import { clamp, roundEven } from "./arrays.js";
import { reduceBy, resizePlane } from "./resampling.js";

const f32 = Math.fround;

/** A plane of float32 levels, the longer side at most `side`; a see-through drawing on the ground it stands out from. */
export function greyLevels(picture, side) {
  if (isSeeThrough(picture)) picture = laidOn(picture);
  const levels = reduceBy(picture, Math.max(1, Math.floor(Math.max(picture.height, picture.width) / side)));
  const scale = side / Math.max(levels.height, levels.width);
  if (scale >= 1) return levels;
  return resizePlane(levels, ...[levels.height, levels.width].map((length) => Math.max(1, roundEven(length * scale))));
}

export function isSeeThrough({ data, channels }) {
  if (channels !== 4) return false;
  for (let i = 3; i < data.length; i += 4) if (data[i] !== 255) return true;
  return false;
}

function laidOn({ data, height, width }) {
  let [seen, alphas] = [0, 0];
  for (let i = 0; i < data.length; i += 4) {
    const alpha = f32(data[i + 3] / 255);
    for (let c = 0; c < 3; c++) seen += f32(data[i + c] * alpha);
    alphas += 3 * alpha;
  }
  const ground = seen < 128 * alphas ? 255 : 0;
  const made = new Uint8Array(height * width * 3);
  for (let i = 0, j = 0; i < data.length; i += 4) {
    const alpha = f32(data[i + 3] / 255);
    const under = f32(ground * f32(1 - alpha));
    for (let c = 0; c < 3; c++) made[j++] = clamp(f32(f32(f32(data[i + c] * alpha) + under) + 0.5), 0, 255);
  }
  return { data: made, height, width, channels: 3 };
}

/** The rows top..bottom-1 and columns left..right-1 of a picture. */
export function cropped({ data, width, channels }, left, top, right, bottom) {
  const [wide, high] = [right - left, bottom - top];
  const made = new Uint8Array(high * wide * channels);
  for (let y = 0; y < high; y++) {
    const start = ((top + y) * width + left) * channels;
    made.set(data.subarray(start, start + wide * channels), y * wide * channels);
  }
  return { data: made, height: high, width: wide, channels };
}
