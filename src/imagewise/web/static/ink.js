// ink.py once more: from any picture of a character to what MNIST's makers made of theirs. The reasons are there; the
// tests hold the two to the same pixels.

import { boxOf, clamp, cut, mapped, plane, roundEven, sum } from "./arrays.js";
import { selectCharacter, writtenComponents } from "./clutter.js";
import { findComponents } from "./components.js";
import { cropped, greyLevels } from "./grey.js";
import { inkMap, smallSize } from "./ground.js";
import { median } from "./levels.js";
import { any, atLeast, either, inverted, labelled } from "./masks.js";
import { resizePlane } from "./resampling.js";
import { strokeWidth, withoutRules } from "./rules.js";
import { findSheet } from "./sheet.js";
import { largestAround } from "./windows.js";

const WORKING_SIDE = 256;
const MARGIN = 4 / 28;
export const INK = 50;
const SPECK = 1 / 20;
const BLOT = 0.42;
const SOFT = 3;
const STROKE = 1.8;

/** A picture to a plane of height x width levels: ink 255 on ground 0. What is framed already stays as it is. */
export function frameInk(picture, height, width) {
  if (picture.height === height && picture.width === width) {
    const grey = mapped(greyLevels(picture, Math.max(height, width)), Uint8Array, roundEven);
    for (const candidate of [grey, mapped(grey, Uint8Array, (level) => 255 - level)]) {
      if (isFramed(candidate) || !candidate.data.some(Boolean)) return candidate;
    }
  }
  return place(thicken(characterInk(picture), height, width), height, width);
}

/** The ink of the character in a picture, at the working size. */
function characterInk(picture) {
  const { ink, outside } = pageInk(picture, WORKING_SIDE);
  return keepCharacters(ink, outside);
}

/**
 * The ink of a picture, or of the sheet of paper in it, the longer side at most `side`: {ink, outside, box}, with a mask
 * of what is outside of the sheet, and the box [left, top, right, bottom] in the picture that the ink map shows.
 */
export function pageInk(picture, side) {
  const levels = greyLevels(picture, side);
  const small = resizePlane(levels, ...smallSize(levels.height, levels.width));
  const sheet = findSheet(small);
  if (!sheet) {
    const outside = plane(levels.height, levels.width, Uint8Array);
    return { ink: inkMap(levels), outside, box: [0, 0, picture.width, picture.height] };
  }
  const [x, y] = [picture.width / small.width, picture.height / small.height];
  const box = [sheet.left * x, sheet.top * y, sheet.right * x, sheet.bottom * y].map(roundEven);
  const page = greyLevels(cropped(picture, ...box), side);
  const part = cut(sheet.inside, sheet.top, sheet.left, sheet.bottom, sheet.right);
  const share = resizePlane(mapped(part, Float32Array, (value) => value), page.height, page.width);
  const inside = mapped(share, Uint8Array, (value) => Number(value > 0.5));
  const usual = median(page.data.filter((_, i) => inside.data[i]));
  const ink = inkMap(mapped(page, Float32Array, (level, i) => (inside.data[i] ? level : usual)));
  return { ink: mapped(ink, Uint8Array, (level, i) => level * inside.data[i]), outside: inverted(inside), box };
}

/** Whether `place` would leave an ink map as it is. Without ink: no. */
function isFramed({ data, height, width }) {
  const [rows, columns] = [new Array(height).fill(0), new Array(width).fill(0)];
  data.forEach((level, i) => {
    rows[Math.floor(i / width)] += level;
    columns[i % width] += level;
  });
  const total = sum(rows);
  if (!total) return false;
  const [boxHeight, boxWidth] = innerBox(height, width);
  const [[top, tall], [left, wide]] = [rows, columns].map(extentOf);
  const fills = Math.min(boxHeight / tall, boxWidth / wide) === 1;
  return fills && isCentred(rows, total, top, tall) && isCentred(columns, total, left, wide);
}

function extentOf(sums) {
  const first = sums.findIndex(Boolean);
  return [first, sums.findLastIndex(Boolean) + 1 - first];
}

function isCentred(sums, total, first, extent) {
  const moment = sum(sums.map((value, i) => value * i)) - first * total;
  const wanted = roundEven(sums.length / 2 - moment / total);
  return first === clamp(wanted, 0, Math.max(sums.length - extent, 0));
}

/** The ink of the character in the middle, without specks, ruled lines, frames and marks along the edge. */
function keepCharacters(ink, outside) {
  const solid = atLeast(ink, INK);
  if (!any(solid)) return ink;
  const { left, rules } = withoutRules(ink, solid, outside);
  const found = findComponents(left);
  const kept = new Set(selectCharacter(found, writtenComponents(ink, found)).map((component) => component.number));
  const mine = labelled(found.labels, kept);
  return isWritten(mine) ? ownInk(ink, either(solid, rules), mine) : mapped(ink, Uint8Array, () => 0);
}

/** Whether it has strokes: longer than they are wide, and no speck on a large sheet. */
function isWritten(mine) {
  const box = boxOf(mine);
  if (!box) return false;
  const longer = Math.max(box[2] - box[0], box[3] - box[1]);
  return longer >= SPECK * Math.max(mine.height, mine.width) && strokeWidth(mine) <= BLOT * longer;
}

/** The ink of some pixels, with the soft edges around them, but not where others have taken the place. */
export function ownInk(ink, taken, mine) {
  const around = largestAround(mine, SOFT).data;
  return mapped(ink, Uint8Array, (v, i) => (mine.data[i] || (around[i] && !taken.data[i]) ? v : 0));
}

/** Widen a pen's thin strokes before they are reduced, so that they do not fade into grey. */
export function thicken(ink, height, width) {
  const solid = atLeast(ink, INK);
  const box = boxOf(solid);
  if (!box) return ink;
  const [top, left, bottom, right] = box;
  const [boxHeight, boxWidth] = innerBox(height, width);
  const scale = Math.min(boxHeight / (bottom - top), boxWidth / (right - left));
  const reach = 2 * roundEven((STROKE / scale - strokeWidth(solid)) / 2) + 1;
  return scale < 0.5 && reach > 1 ? largestAround(ink, reach) : ink;
}

/** Crop to the ink, fit it into the inner box keeping aspect, centre of mass in the middle of the square. */
export function place(ink, height, width) {
  const framed = plane(height, width, Uint8Array);
  const box = boxOf(ink);
  if (!box) return framed;
  const crop = cut(ink, ...box);
  const [boxHeight, boxWidth] = innerBox(height, width);
  const scale = Math.min(boxHeight / crop.height, boxWidth / crop.width);
  const size = [crop.height, crop.width].map((side) => Math.max(1, roundEven(side * scale)));
  const resized = resizePlane(mapped(crop, Float32Array, (v) => v), ...size);
  const fitted = mapped(resized, Uint8Array, (v) => clamp(Math.fround(v + 0.5), 0, 255));
  const total = Math.max(sum(fitted.data), 1);
  let [row, column] = [0, 0];
  fitted.data.forEach((level, i) => {
    row += level * Math.floor(i / size[1]);
    column += level * (i % size[1]);
  });
  const top = clamp(roundEven(height / 2 - row / total), 0, height - size[0]);
  const left = clamp(roundEven(width / 2 - column / total), 0, width - size[1]);
  for (let y = 0; y < size[0]; y++) {
    framed.data.set(fitted.data.subarray(y * size[1], (y + 1) * size[1]), (top + y) * width + left);
  }
  return framed;
}

function innerBox(height, width) {
  return [height - 2 * roundEven(height * MARGIN), width - 2 * roundEven(width * MARGIN)];
}
