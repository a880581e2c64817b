// ground.py once more: the ground of a picture, whatever its light, and how much ink is on each of its pixels.

import { clamp, cut, extremes, mapped, mean, plane, roundEven, sum } from "./arrays.js";
import { median } from "./levels.js";
import { inverted } from "./masks.js";
import { resizePlane } from "./resampling.js";
import { largestAround, sumAround, windowSizes } from "./windows.js";

const SMALL_SIDE = 64;
const REACH = 0.5;
const AROUND = [0.4, 0.2, 0.1];
const RIM = 0.06;
const SKEWNESS = [2 / 3, 1 / 3, 0];
const BORDER = 1.75;
const MOST_BORDER = 1.2;
const DARKEST = 0.3;
const FLOOR = 0.1;
const NOISE = 3;
const CLEAR = 5.5;
const RANGE = 0.2;
const LEAST_NOISE = 2;
const PALE = 0.2;
const BETWEEN = 0.1;
const RARE = 0.2;
const PATTERN = 2;
const PEAK = 0.85;
const f32 = Math.fround;

/** Amount of ink on each pixel, 0 (ground) to 255. Without ink all is 0. */
export function inkMap(levels) {
  let small = resizePlane(levels, ...smallSize(levels.height, levels.width));
  let light = slope(small);
  const without = (plane, other) => mapped(plane, Float32Array, (value, i) => value - other.data[i]);
  const isLight = groundIsLight(without(small, light));
  if (!isLight) {
    [levels, small] = [levels, small].map((plane) => mapped(plane, Float32Array, (value) => 255 - value));
    light = negative(light);
  }
  const behind = mapped(groundOf(without(small, light)), Float32Array, (value, i) => value + light.data[i]);
  const [low, high] = extremes(levels.data);
  const difference = without(resizePlane(behind, levels.height, levels.width), levels);
  if (!isLight) return stretch(difference, RANGE * (high - low));
  const [, best] = extremes(behind.data);
  const share = mapped(behind, Float32Array, (value) => Math.max(value / best, DARKEST));
  const lit = resizePlane(share, levels.height, levels.width).data;
  return stretch(mapped(difference, Float32Array, (value, i) => value / lit[i]), RANGE * (high - low));
}

/** [height, width] of the copy in which the ground is looked for. */
export function smallSize(height, width) {
  const scale = Math.min(1, SMALL_SIDE / Math.max(height, width));
  return [height, width].map((side) => Math.max(1, roundEven(side * scale)));
}

function negative(levels) {
  return mapped(levels, Float32Array, (value) => -value);
}

function slope(levels) {
  const { data, height, width } = levels;
  const [rows, columns] = [new Float64Array(height), new Float64Array(width)];
  data.forEach((value, i) => {
    rows[Math.floor(i / width)] += value;
    columns[i % width] += value;
  });
  const y = (row) => row - (height - 1) / 2;
  const x = (column) => column - (width - 1) / 2;
  const along = (sums, place, across) => {
    const squares = sum(sums.map((_, i) => place(i) * place(i)));
    return sum(sums.map((value, i) => place(i) * value)) / Math.max(across * squares, 1);
  };
  const [down, right] = [along(rows, y, width), along(columns, x, height)];
  return mapped(levels, Float32Array, (_, i) => down * y(Math.floor(i / width)) + right * x(i % width));
}

/** Whether the ink is darker than the ground: the ink is the rarer of the two, and the ground has the border. */
function groundIsLight(levels) {
  const longer = Math.max(levels.height, levels.width);
  const rim = Math.max(1, roundEven(RIM * longer));
  const signs = AROUND.map((share) => signsOf(levels, Math.max(3, roundEven(share * longer) | 1), rim));
  const skewness = sum(signs.map(([skew], i) => SKEWNESS[i] * skew));
  const border = sum(signs.map(([, border]) => border)) / signs.length;
  return skewness < clamp(BORDER * border, -MOST_BORDER, MOST_BORDER);
}

/** The skewness of the levels, and how far the border is above their mean, in standard deviations. */
function signsOf(levels, window, rim) {
  const { height, width } = levels;
  const [sums, counts] = [sumAround(levels, window).data, windowSizes(height, width, window).data];
  const apart = mapped(levels, Float64Array, (value, i) => value - sums[i] / counts[i]).data;
  const middle = median(apart);
  for (let i = 0; i < apart.length; i++) apart[i] -= middle;
  const spread = Math.max(Math.sqrt(mean(apart.map((value) => value * value))), 1e-6);
  const inner = cut({ data: apart, height, width }, rim, rim, height - rim, width - rim).data;
  const border = (sum(apart) - sum(inner)) / (apart.length - inner.length);
  return [mean(apart.map((value) => value * value * value)) / spread ** 3, (border - mean(apart)) / spread];
}

/** A mask of the pixels above the level that parts the histogram best (Otsu 1979). */
export function lighterPart(levels) {
  const [low, high] = extremes(levels.data);
  const factor = f32(255 / Math.max(high - low, 1e-6));
  const scaled = mapped(levels, Uint8Array, (value) => f32(f32(value - low) * factor));
  const counts = new Float64Array(256);
  for (const level of scaled.data) counts[level]++;
  const middle = otsu(counts);
  return mapped(scaled, Uint8Array, (level) => Number(level > middle));
}

/** The paper's own level behind dark ink: the mean around each pixel of what is no ink. */
function groundOf(small) {
  const reach = 2 * Math.ceil((REACH * Math.max(small.height, small.width)) / 2) + 1;
  const closed = negative(largestAround(negative(largestAround(small, reach)), reach));
  const difference = mapped(closed, Float32Array, (value, i) => value - small.data[i]);
  const paper = inverted(largestAround(lighterPart(difference), 3));
  let ground = closed;
  for (const window of [reach, (reach >> 1) | 1]) {
    const before = ground;
    const counts = sumAround(paper, window).data;
    const off = mapped(small, Float32Array, (value, i) => (paper.data[i] ? value - before.data[i] : 0));
    const sums = sumAround(off, window).data;
    ground = mapped(before, Float32Array, (value, i) => value + f32(sums[i] / Math.max(counts[i], 1)));
  }
  return ground;
}

/** Ink at full strength to 255, the ground's own unrest to 0; all of it 0 if no ink is as strong as `least`. */
function stretch(difference, least) {
  const none = plane(difference.height, difference.width, Uint8Array);
  const lighter = histogram(difference.data.filter((value) => value < 0).map((value) => -value));
  const spread = Math.min(1.4826 * quantile(lighter, 0.5), quantile(lighter, 0.99) / 2.58);
  const noise = Math.max(spread, LEAST_NOISE);
  const counts = histogram(difference.data);
  counts.fill(0, 0, Math.trunc(NOISE * noise) + 1);
  if (!counts.some(Boolean)) return none;
  const middle = otsu(counts);
  const strong = counts.slice().fill(0, 0, middle + 1);
  const peak = quantile(strong, PEAK);
  if (peak < Math.max(CLEAR * noise, least)) return none;
  let floor = Math.max(FLOOR * peak, NOISE * noise);
  counts.fill(0, 0, Math.trunc(floor + PALE * (peak - floor)));
  floor = patternLevel(counts, middle, Math.trunc(BETWEEN * peak)) || floor;
  const [low, factor] = [f32(floor), f32(255 / (peak - floor))];
  return mapped(difference, Uint8Array, (v) => clamp(f32(f32(f32(v - low) * factor) + 0.5), 0, 255));
}

/** The level up to which a pattern goes, in a histogram parted at `middle`; 0 where there is no pattern. */
function patternLevel(counts, middle, reach) {
  const pale = counts.map((count, level) => (level <= middle ? count : 0));
  const between = counts.map((count, level) => (Math.abs(level - middle) <= reach ? count : 0));
  const covers = sum(pale) > PATTERN * (sum(counts) - sum(pale));
  return covers && sum(between) <= RARE * sum(counts) ? quantile(pale, 0.95) : 0;
}

/** How often each level, 0 to 255, is there, to the nearest whole number. */
function histogram(levels) {
  const counts = new Float64Array(256);
  for (const level of levels) counts[Math.trunc(clamp(f32(level + 0.5), 0, 255))]++;
  return counts;
}

/** The least level of a histogram up to which lies at least this share. */
function quantile(counts, share) {
  const wanted = share * sum(counts);
  let below = 0;
  return counts.findIndex((count) => (below += count) >= wanted);
}

/** The level that parts a histogram of 256 levels best (Otsu 1979): up to it is one side, above it the other. */
function otsu(counts) {
  const [count, all] = [sum(counts), sum(counts.map((each, level) => each * level))];
  let [below, mass, best, found] = [0, 0, -1, 0];
  for (let level = 0; level < 256; level++) {
    below += counts[level];
    mass += counts[level] * level;
    const apart = all * below - mass * count;
    const between = (apart * apart) / Math.max(below * (count - below), 1);
    if (between > best) [best, found] = [between, level];
  }
  return found;
}
