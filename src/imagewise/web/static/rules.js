// rules.py once more: ruled lines, squares and frames in a picture of characters, and the proof that they are no strokes.

import { cut, mapped, plane, roundEven, sum, transposed } from "./arrays.js";
import { findComponents, largestOf } from "./components.js";
import { median, quantile } from "./levels.js";
import { any, area, atLeast, both, either, inverted, labelled } from "./masks.js";
import { eroded, largestAbove, largestAround, largestBeside } from "./windows.js";

const TRACE = 16;
const LONG = 0.08;
const SHORTEST = 9;
const BOW = 0.01;
const THICKEST = 1 / 16;
const CROSSING = 0.4;
const SLENDER = 8;
const THINNER = 0.67;
const FAINTER = 0.75;
const ALIKE = 1.5;
const WHOLE = 0.3;
const REPEATED = 3;
const CLEAR = 0.1;
const LEAST = 0.1;
const END = 0.02;
const [LEAST_END, MOST_END] = [2, 5];

/**
 * {left, rules}: the solid pixels of an ink map without those of rules and frames, and the pixels of these. `outside` is
 * what is beyond the sheet.
 */
export function withoutRules(ink, solid, outside) {
  let lines = [...linesOf(ink, false), ...linesOf(transposed(ink), true)];
  const none = mapped(solid, Uint8Array, () => 0);
  if (!lines.length) return { left: solid, rules: none };
  const slack = 2 * nearEnd(Math.max(solid.height, solid.width)) + 1;
  const edge = edgeOf(outside, slack);
  lines = unending(lines, edge, slack);
  const through = lines.filter((line) => isBounded(line, edge));
  const rest = without(
    solid,
    lines.filter((line) => !through.length || through.some((other) => isAlike(line, other))),
  );
  const parts = findComponents(rest).components;
  const isInside = (line) => !isAlongEdge(line, solid.height, solid.width);
  const repeated = through.filter(isInside).length >= REPEATED;
  const enough = repeated || (parts.length && area(rest) >= LEAST * area(solid));
  if (!lines.length || !enough) return { left: solid, rules: none };
  if (!parts.length) return { left: rest, rules: none };
  const main = largestOf(parts);
  const [pen, strength] = [strokeWidth(rest), quantile(ink.data.filter((_, i) => rest.data[i]), 0.75)];
  const proved = lines.filter(
    (line) =>
      (repeated && through.includes(line)) ||
      line.width <= THINNER * pen ||
      line.strength <= FAINTER * strength ||
      isClear(line, main),
  );
  const isLikeProved = (line) => proved.some((other) => line.upright === other.upright && isAlike(line, other));
  proved.push(...lines.filter((line) => !proved.includes(line) && isLikeProved(line)));
  if (!proved.length) return { left: solid, rules: none };
  let left = without(solid, proved);
  const strong = proved.filter((line) => line.strength > FAINTER * strength).map((line) => line.width);
  if (strong.length) {
    const reach = 2 * roundEven(median(strong)) + 3;
    left = either(left, both(eroded(largestAround(left, reach), reach), solid));
  }
  return { left, rules: both(drawn(proved, solid), inverted(left)) };
}

/** Pixels that a rule may end before the edge. */
function nearEnd(side) {
  return Math.min(Math.max(LEAST_END, roundEven(END * side)), MOST_END);
}

/** A mask of the size of another: the pixels of lines. */
function drawn(lines, { height, width }) {
  const made = plane(height, width, Uint8Array);
  for (const line of lines) for (const place of line.pixels) made.data[place] = 1;
  return made;
}

/** The pixels near the picture's edge, or near what is beyond the sheet. */
function edgeOf(outside, slack) {
  const { height, width } = outside;
  const around = plane(height + 2, width + 2, Uint8Array);
  around.data.fill(1);
  for (let y = 0; y < height; y++) {
    around.data.set(outside.data.subarray(y * width, (y + 1) * width), (y + 1) * (width + 2) + 1);
  }
  return cut(largestAround(around, slack), 1, 1, height + 1, width + 1);
}

function without(solid, lines) {
  return lines.length ? both(solid, inverted(drawn(lines, solid))) : solid;
}

function isAlike(a, b) {
  return ["width", "strength"].every((key) => a[key] <= ALIKE * b[key] && b[key] <= ALIKE * a[key]);
}

/** The mean width of strokes in pixels: their area over half the length of their outline. */
export function strokeWidth(solid) {
  const { data, height, width } = solid;
  const at = (y, x) => (y >= 0 && x >= 0 && y < height && x < width ? data[y * width + x] : 0);
  let outline = 0;
  for (let y = 0; y <= height; y++) {
    for (let x = 0; x <= width; x++) {
      outline += Number(at(y, x) !== at(y - 1, x)) + Number(at(y, x) !== at(y, x - 1));
    }
  }
  return (2 * area(solid)) / Math.max((outline * Math.PI) / 4, 1);
}

/**
 * Long straight runs along the rows: [{upright, top, bottom, width, strength, pixels, ends}]. `ink` is transposed where
 * `upright`; the places of pixels are those in the picture.
 */
function linesOf(ink, upright) {
  const { height, width } = ink;
  const traces = atLeast(ink, TRACE);
  const length = Math.max(SHORTEST, roundEven(LONG * width)) | 1;
  const near = largestAbove(traces, 3);
  const straight = both(largestBeside(inverted(largestBeside(inverted(near), length)), length), traces);
  const heights = runHeights(traces);
  const thick = atLeast(heights, Math.max(3, roundEven(THICKEST * height)) + 1);
  const thin = both(straight, inverted(thick));
  if (!any(thin)) return [];
  const gap = roundEven(CROSSING * width) | 1;
  const wide = largestBeside(largestAbove(thin, 3), gap);
  const found = findComponents(both(inverted(largestBeside(inverted(wide), gap)), near));
  const lines = [];
  for (const component of found.components) {
    if (component.width < 2 * length) continue;
    const { top, left, bottom, right } = component;
    const part = (source) => cut(source, top, left, bottom, right);
    const mine = both(labelled(part(found.labels), new Set([component.number])), part(thin));
    const line = lineOf(mine, part(heights), part(ink));
    if (!line) continue;
    const pixels = line.pixels.map(([y, x]) => [y + top, x + left]);
    const [ys, xs] = [pixels.map(([y]) => y), pixels.map(([, x]) => x)];
    const place = ([y, x]) => (upright ? x * height + y : y * width + x);
    const level = ([y, x]) => ink.data[y * width + x];
    const end = nearEnd(width);
    const [first, last] = [least(xs) + end, -least(xs.map((x) => -x)) - end];
    const own = pixels.filter((pixel) => level(pixel) <= line.most);
    const columns = new Set(own.map(([, x]) => x)).size;
    lines.push({
      upright,
      top: least(ys),
      bottom: -least(ys.map((y) => -y)) + 1,
      width: sum(own.map(level)) / line.strength / Math.max(columns, 1),
      strength: line.strength,
      pixels: own.map(place),
      ends: [pixels.filter(([, x]) => x <= first), pixels.filter(([, x]) => x >= last)].map((some) => some.map(place)),
    });
  }
  return lines;
}

function least(values) {
  return values.reduce((a, b) => Math.min(a, b), Infinity);
}

/**
 * The straight line in a component's box, without what crosses it or leaves it: {pixels, strength, most}; null where
 * there is none. Pixels are [row, column]; `most` is how strong it is at most.
 */
function lineOf(mine, heights, ink) {
  const { height, width: length } = mine;
  const shortest = new Array(length).fill(height);
  mine.data.forEach((value, i) => {
    if (value) shortest[i % length] = Math.min(shortest[i % length], heights.data[i]);
  });
  const thickness = median(shortest); // where nothing else is on it
  let pixels = [];
  mine.data.forEach((value, i) => {
    if (value && heights.data[i] <= 1.5 * thickness + 1) pixels.push([Math.floor(i / length), i % length]);
  });
  const third = Math.floor(length / 3);
  const rows = (some) => some.map(([y]) => y);
  const first = rows(pixels.filter(([, x]) => x < third));
  const last = rows(pixels.filter(([, x]) => x >= length - third));
  if (length < SLENDER * thickness || !first.length || !last.length) return null;
  const slope = (median(last) - median(first)) / (length - third);
  const levels = pixels.map(([y, x]) => y - x * slope);
  const middle = median(levels);
  pixels = pixels.filter((_, i) => Math.abs(levels[i] - middle) <= thickness / 2 + 1 + BOW * length);
  const highest = new Uint8Array(length);
  for (const [y, x] of pixels) highest[x] = Math.max(highest[x], ink.data[y * length + x]);
  const peaks = highest.filter(Boolean);
  if (peaks.length < WHOLE * length) return null;
  const strength = median(peaks);
  const unrest = median(Array.from(peaks, (peak) => Math.abs(peak - strength)));
  return { pixels, strength, most: 1.1 * strength + 3 * 1.4826 * unrest };
}

/** The lines without a free end: each end is at the picture's edge, or at another such line across it. */
function unending(lines, edge, slack) {
  for (;;) {
    const near = (upright) => {
      const across = lines.filter((line) => line.upright === upright);
      return either(edge, largestAround(drawn(across, edge), slack));
    };
    const [nearUpright, nearLying] = [near(true), near(false)];
    const kept = lines.filter((line) => isBounded(line, line.upright ? nearLying : nearUpright));
    if (kept.length === lines.length) return kept;
    lines = kept;
  }
}

function isBounded(line, near) {
  return line.ends.every((end) => end.some((place) => near.data[place]));
}

/** Whether it is at the picture's edge: so are the strokes of a digit that was cropped to its ink. */
function isAlongEdge(line, height, width) {
  const across = line.upright ? width : height;
  const near = nearEnd(across);
  return line.top <= near || line.bottom >= across - near;
}

/** Whether the character is all on one side of the line, and not near it. */
function isClear(line, main) {
  const room = CLEAR * Math.max(main.height, main.width);
  const [first, last] = line.upright ? [main.left, main.right] : [main.top, main.bottom];
  return line.bottom + room <= first || line.top >= last + room;
}

/** For each pixel of a mask, how many pixels its run from top to bottom has; 0 off the mask. */
function runHeights({ data, height, width }) {
  const heights = plane(height, width, Int32Array);
  for (let x = 0; x < width; x++) {
    for (let y = 0, end = 0; y < height; y = end + 1) {
      for (end = y; end < height && data[end * width + x]; end++);
      for (let row = y; row < end; row++) heights.data[row * width + x] = end - y;
    }
  }
  return heights;
}
