// segmentation.py once more: where each of several characters is, in reading order, and its ink framed.

import { cut, median, roundEven } from "./arrays.js";
import { isClutter, writtenComponents } from "./clutter.js";
import { findComponents } from "./components.js";
import { INK, ownInk, pageInk, place, thicken } from "./ink.js";
import { atLeast, either, labelled } from "./masks.js";
import { withoutRules } from "./rules.js";

const PAGE_SIDE = 1024;
const MOST = 600;
const SPECK = 0.3;
const OVERLAP = 0.5;
const GAP = 0.3;
const TALLEST = 1.5;
const SPACE = 0.9;

/** [{box: {left, top, width, height}, framed, line, startsWord}], boxes in the picture's own pixels. */
export function segment(picture, height, width) {
  const { ink, outside, box: shown } = pageInk(picture, PAGE_SIDE);
  const solid = atLeast(ink, INK);
  const { left: rest, rules } = withoutRules(ink, solid, outside);
  const taken = either(rest, rules);
  const found = findComponents(rest);
  const groups = characters(writtenComponents(ink, found).filter((c) => c.area >= 4 && !isClutter(c, found)));
  const made = [];
  lines(groups).forEach((line, number) => {
    const usual = median(line.map(heightOf));
    let end = null;
    for (const group of line) {
      const room = Math.max(4, Math.floor(heightOf(group) / 8));
      const [top, left] = [Math.max(0, group.top - room), Math.max(0, group.left - room)];
      const [bottom, right] = [Math.min(ink.height, group.bottom + room), Math.min(ink.width, group.right + room)];
      const part = (source) => cut(source, top, left, bottom, right);
      const mine = labelled(part(found.labels), group.numbers);
      const framed = place(thicken(ownInk(part(ink), part(taken), mine), height, width), height, width);
      const startsWord = end === null || group.left - end > SPACE * usual;
      made.push({ box: boxIn(group, shown, ink.width), framed: framed.data, line: number, startsWord });
      end = group.right;
    }
  });
  return made;
}

function heightOf(group) {
  return group.bottom - group.top;
}

/** Strokes of one character put together, dirt and dashes left out. */
function characters(components) {
  const largestFirst = [...components].sort((a, b) => b.area - a.area).slice(0, MOST);
  if (!largestFirst.length) return [];
  const usual = median(largestFirst.filter((c) => c.area >= 0.15 * largestFirst[0].area).map((c) => c.height));
  const groups = [];
  for (const { number, top, left, bottom, right } of largestFirst) {
    let group = { numbers: new Set([number]), top, left, bottom, right };
    for (;;) {
      const index = groups.findIndex((other) => belong(group, other, usual));
      if (index < 0) break;
      group = joined(group, groups.splice(index, 1)[0]);
    }
    groups.push(group);
  }
  return groups.filter((group) => heightOf(group) >= SPECK * usual);
}

function joined(a, b) {
  return {
    numbers: new Set([...a.numbers, ...b.numbers]),
    top: Math.min(a.top, b.top),
    left: Math.min(a.left, b.left),
    bottom: Math.max(a.bottom, b.bottom),
    right: Math.max(a.right, b.right),
  };
}

function belong(a, b, usual) {
  const overlap = Math.min(a.right, b.right) - Math.max(a.left, b.left);
  const gap = Math.max(a.top, b.top) - Math.min(a.bottom, b.bottom);
  const tall = Math.max(a.bottom, b.bottom) - Math.min(a.top, b.top);
  const narrower = Math.min(a.right - a.left, b.right - b.left);
  return (
    overlap >= OVERLAP * narrower &&
    gap <= GAP * usual &&
    tall <= Math.max(TALLEST * usual, heightOf(a), heightOf(b))
  );
}

/** Lines from the top, each from left to right. A character is in the line whose span its middle lies in. */
function lines(groups) {
  const middle = (group) => (group.top + group.bottom) / 2;
  const found = [];
  for (const group of [...groups].sort((a, b) => a.left - b.left)) {
    const off = (line) => Math.abs(middle(line.at(-1)) - middle(group));
    const near = found.filter((line) => line.at(-1).top <= middle(group) && middle(group) <= line.at(-1).bottom);
    if (near.length) near.reduce((best, line) => (off(line) < off(best) ? line : best)).push(group);
    else found.push([group]);
  }
  const height = (line) => median(line.map(middle));
  return found.sort((a, b) => height(a) - height(b));
}

/** The box of a group in the picture's pixels, of which a part is shown in an ink map of this width. */
function boxIn(group, shown, width) {
  const scale = (shown[2] - shown[0]) / width;
  const [left, top] = [shown[0] + roundEven(group.left * scale), shown[1] + roundEven(group.top * scale)];
  const right = Math.min(shown[2], shown[0] + roundEven(group.right * scale));
  const bottom = Math.min(shown[3], shown[1] + roundEven(group.bottom * scale));
  return { left, top, width: Math.max(1, right - left), height: Math.max(1, bottom - top) };
}
