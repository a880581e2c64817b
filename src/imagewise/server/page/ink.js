// ink.py once more: from any picture of a character to what MNIST's makers made of theirs. The reasons stand there; the
// tests hold the two to the same pixels.

import { selectCharacter, withoutRules } from "./clutter.js";
import { findComponents } from "./components.js";
import { filters, isSeeThrough, laidOn, meanSeen, reduce, resize, thumbnailSize, toGrey } from "./pillow.js";
import { boxOf, clamp, cut, extremes, mapped, percentile, plane, roundEven, sum, transposed } from "./planes.js";
import { resizePlane } from "./resampling.js";

export const WORKING_SIDE = 256;
export const INK = 80;
const MARGIN = 4 / 28;
const GROUND_SIDE = 64;
const GROUND_REACH = 0.4;
const CLEAN = 0.6;
const TINY = 40;
const SOFT = 5;
const STROKE = 1.8;
const TOP_PERCENTILE = 85;
const f32 = Math.fround;

/** A picture to a plane of height x width levels: ink 255 on ground 0. What is framed already stays as it is. */
export function frameInk(picture, height, width) {
  const grey = greyLevels(picture, WORKING_SIDE);
  if (grey.height === height && grey.width === width) {
    for (const candidate of [grey, mapped(grey, Uint8Array, (level) => 255 - level)]) {
      if (place(candidate, height, width).data.every((level, i) => level === candidate.data[i])) return candidate;
    }
  }
  const ink = inkMap(grey);
  if (Math.max(grey.height, grey.width) <= TINY) return place(ink, height, width);
  return place(thicken(keepCharacters(ink), height, width), height, width);
}

/** Grey levels, the longer side at most `side`; a see-through drawing on the ground it stands out from. */
export function greyLevels(picture, side) {
  if (isSeeThrough(picture)) picture = laidOn(picture, meanSeen(picture) < 128 ? 255 : 0);
  const longer = Math.max(picture.height, picture.width);
  if (longer > side) {
    const factor = Math.floor(longer / side);
    if (factor > 1) picture = reduce(picture, factor);
    picture = toGrey(picture);
    picture = resize(picture, ...thumbnailSize(picture.height, picture.width, side), filters.box);
  }
  return toGrey(picture);
}

/** How much ink lies on each pixel, 0 (ground) to 255. */
export function inkMap(grey) {
  const level = cleanGround(grey);
  if (level !== null) {
    let difference = mapped(grey, Float32Array, (value) => value - level);
    const [low, high] = extremes(difference.data);
    if (-low > high) difference = mapped(difference, Float32Array, (value) => -value);
    const peak = Math.max(-low, high);
    return stretch(difference, 0, peak < 128 ? peak : 255);
  }
  let levels = mapped(grey, Float32Array, (value) => value);
  const scale = Math.min(1, GROUND_SIDE / Math.max(grey.height, grey.width));
  const smallSize = [grey.height, grey.width].map((side) => Math.max(1, roundEven(side * scale)));
  let small = resizePlane(levels, ...smallSize);
  if (!groundIsLight(small)) [levels, small] = [levels, small].map((p) => mapped(p, Float32Array, (v) => 255 - v));
  if (Math.max(grey.height, grey.width) <= TINY) {
    const sorted = levels.data.slice().sort();
    const [ground, darkest] = [percentile(sorted, 90), percentile(sorted, 2)];
    return stretch(mapped(levels, Float32Array, (value) => ground - value), 0, f32(ground - darkest));
  }
  const ground = groundBehind(small, grey.height, grey.width);
  const difference = mapped(levels, Float32Array, (value, i) => Math.max(ground.data[i] - value, 0));
  return stretch(difference, ...thresholds(difference.data));
}

function stretch(difference, floor, top) {
  if (top <= floor) return plane(difference.height, difference.width, Uint8Array);
  const [low, factor] = [f32(floor), f32(255 / (top - floor))];
  return mapped(difference, Uint8Array, (v) => clamp(Math.trunc(f32(f32(f32(v - low) * factor) + 0.5)), 0, 255));
}

/** The level of a ground without any unrest; null where there is no such. */
function cleanGround({ data, height, width }) {
  const border = new Int32Array(256);
  let length = 0;
  data.forEach((level, i) => {
    const [y, x] = [Math.floor(i / width), i % width];
    // NumPy's grey[0] and grey[-1] are the same row where there is but one, and count twice; so do columns
    const rows = Number(y === 0) + Number(y === height - 1);
    const times = rows || Number(x === 0) + Number(x === width - 1);
    border[level] += times;
    length += times;
  });
  const most = Math.max(...border);
  if (most < CLEAN * length) return null;
  const level = border.indexOf(most);
  const count = data.reduce((total, value) => total + Number(value === level), 0);
  return count / data.length >= 0.25 || count === data.length ? level : null;
}

function groundIsLight({ data, height, width }) {
  const along = (index, length) => (length === 1 ? 0 : -1 + (index * 2) / (length - 1));
  const ys = Array.from({ length: height }, (_, y) => along(y, height));
  const xs = Array.from({ length: width }, (_, x) => along(x, width));
  // the terms of the plane are orthogonal on a full grid, so that each slope stands alone
  let [alongY, alongX] = [0, 0];
  data.forEach((value, i) => {
    alongY += ys[Math.floor(i / width)] * value;
    alongX += xs[i % width] * value;
  });
  const squares = (places) => sum(places.map((v) => v * v)) || 1;
  const [slopeY, slopeX] = [alongY / (squares(ys) * width), alongX / (squares(xs) * height)];
  const even = Float64Array.from(data, (v, i) => v - (slopeY * ys[Math.floor(i / width)] + slopeX * xs[i % width]));
  const [low, high] = extremes(even);
  const scaled = Uint8Array.from(even, (v) => (v - low) * (255 / Math.max(high - low, 1e-6)));
  const middle = otsu(scaled);
  let [all, border] = [0, 0];
  scaled.forEach((value, i) => {
    if (value <= middle) return;
    const [y, x] = [Math.floor(i / width), i % width];
    all++;
    border += Number(y === 0) + Number(y === height - 1) + Number(x === 0) + Number(x === width - 1);
  });
  return all / data.length + (0.5 * border) / (2 * (height + width)) > 0.75;
}

function groundBehind(small, height, width) {
  const reach = Math.max(3, roundEven(GROUND_REACH * Math.max(small.height, small.width)) | 1);
  const negative = (p) => mapped(p, Float32Array, (v) => -v);
  const closed = negative(largestAround(negative(largestAround(small, reach)), reach));
  return resizePlane(meanAround(closed, Math.max(3, (reach >> 1) | 1)), height, width);
}

/** The largest value of each square window of `reach` (odd) pixels; windows end at the picture's edge. */
export function largestAround(levels, reach) {
  for (let twice = 0; twice < 2; twice++) {
    const { data, height, width } = levels;
    const made = plane(height, width, data.constructor);
    for (let y = 0; y < height; y++) {
      const [first, last] = [Math.max(0, y - (reach >> 1)), Math.min(height - 1, y + (reach >> 1))];
      for (let x = 0; x < width; x++) {
        let largest = data[first * width + x];
        for (let i = (first + 1) * width + x; i <= last * width + x; i += width) {
          if (data[i] > largest) largest = data[i];
        }
        made.data[y * width + x] = largest;
      }
    }
    levels = transposed(made);
  }
  return levels;
}

function meanAround(levels, reach) {
  const half = reach >> 1;
  for (let twice = 0; twice < 2; twice++) {
    const { data, height, width } = levels;
    const made = plane(height, width, Float32Array);
    for (let x = 0; x < width; x++) {
      const at = (y) => data[clamp(y, 0, height - 1) * width + x];
      let total = 0;
      for (let y = -half; y <= half; y++) total += at(y);
      for (let y = 0; y < height; y++) {
        made.data[y * width + x] = total / reach;
        total += at(y + half + 1) - at(y - half);
      }
    }
    levels = transposed(made);
  }
  return levels;
}

/** [floor, top]: below the first is the ground's own unrest, from the second on full ink. */
function thresholds(difference) {
  const levels = Uint8Array.from(difference, (value) => clamp(value, 0, 255));
  const middle = otsu(levels);
  const ink = difference.filter((_, i) => levels[i] > middle).sort();
  if (!ink.length) return [0, 0];
  const ground = difference.filter((_, i) => levels[i] <= middle).sort();
  const top = percentile(ink, TOP_PERCENTILE);
  const unrest = ground.length ? percentile(ground, 90) : 0;
  return [Math.min(Math.max(unrest, 0.25 * top), 0.6 * top), top];
}

/** The level that parts the histogram best (Otsu 1979): up to it is one side, above it the other. */
function otsu(levels) {
  const histogram = new Float64Array(256);
  for (const level of levels) histogram[level]++;
  const all = sum(histogram.map((count, level) => count * level));
  let [below, mass, best, found] = [0, 0, -1, 0];
  for (let level = 0; level < 256; level++) {
    below += histogram[level];
    mass += histogram[level] * level;
    const above = levels.length - below;
    if (!below || !above) continue;
    const between = below * above * (mass / below - (all - mass) / above) ** 2;
    if (between > best) [best, found] = [between, level];
  }
  return found;
}

/** The ink of the character in the middle, without specks, ruled lines, frames and what lies along the edge. */
function keepCharacters(ink) {
  const solid = mapped(ink, Uint8Array, (level) => Number(level >= INK));
  if (!solid.data.some(Boolean)) return ink;
  const found = findComponents(withoutRules(solid));
  const kept = new Set(selectCharacter(found).map((component) => component.number));
  return ownInk(ink, solid, mapped(found.labels, Uint8Array, (number) => Number(kept.has(number))));
}

/** The ink of some of the solid pixels, with the soft edges around them, and of no others. */
export function ownInk(ink, solid, mine) {
  const around = largestAround(mine, SOFT).data;
  return mapped(ink, Uint8Array, (v, i) => (mine.data[i] || (around[i] && !solid.data[i]) ? v : 0));
}

/** Widen a pen's thin strokes before they are reduced, so that they do not fade into grey. */
export function thicken(ink, height, width) {
  const solid = mapped(ink, Uint8Array, (level) => Number(level >= INK));
  const box = boxOf(solid);
  if (!box) return ink;
  const [top, left, bottom, right] = box;
  const [boxHeight, boxWidth] = innerBox(height, width);
  const scale = Math.min(boxHeight / (bottom - top), boxWidth / (right - left));
  const reach = 2 * roundEven((STROKE / scale - strokeWidth(solid)) / 2) + 1;
  return scale < 0.5 && reach > 1 ? largestAround(ink, reach) : ink;
}

function strokeWidth({ data, height, width }) {
  const at = (y, x) => (y >= 0 && x >= 0 && y < height && x < width ? data[y * width + x] : 0);
  let outline = 0;
  for (let y = 0; y <= height; y++) {
    for (let x = 0; x <= width; x++) {
      outline += Number(at(y, x) !== at(y - 1, x)) + Number(at(y, x) !== at(y, x - 1));
    }
  }
  return (2 * sum(data)) / Math.max((outline * Math.PI) / 4, 1);
}

/** Crop to the ink, fit it into the inner box keeping aspect, centre of mass in the middle. */
export function place(ink, height, width) {
  const framed = plane(height, width, Uint8Array);
  const box = boxOf(ink);
  if (!box) return framed;
  const crop = cut(ink, ...box);
  const [boxHeight, boxWidth] = innerBox(height, width);
  const scale = Math.min(boxHeight / crop.height, boxWidth / crop.width);
  const size = [crop.height, crop.width].map((side) => Math.max(1, roundEven(side * scale)));
  const mass = resizePlane(mapped(crop, Float32Array, (v) => v), ...size);
  const total = sum(mass.data) || 1;
  let [row, column] = [0, 0];
  mass.data.forEach((value, i) => {
    row += value * Math.floor(i / size[1]);
    column += value * (i % size[1]);
  });
  const top = Math.min(Math.max(roundEven(height / 2 - row / total), 0), height - size[0]);
  const left = Math.min(Math.max(roundEven(width / 2 - column / total), 0), width - size[1]);
  mass.data.forEach((value, i) => {
    const at = (top + Math.floor(i / size[1])) * width + left + (i % size[1]);
    framed.data[at] = clamp(Math.trunc(f32(value + 0.5)), 0, 255);
  });
  return framed;
}

function innerBox(height, width) {
  return [height - 2 * roundEven(height * MARGIN), width - 2 * roundEven(width * MARGIN)];
}
