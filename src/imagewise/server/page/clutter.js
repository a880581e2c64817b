// clutter.py once more: what in a picture of a character is not the character.

import { cut, mapped, plane, roundEven, sum, transposed } from "./planes.js";

const SPECK = 0.04;
const MOST = 40;
const NEAR = 0.4;
const EDGE = 0.14;
const ALONG = 0.7;
const RULE = 0.85;
const RULE_ROW = 0.7;
const AT_THE_EDGE = 0.03;
const FLAT = 0.15;

/** The components that make up the character: the largest that is no clutter, and its other strokes. */
export function selectCharacter(found) {
  const largest = [...found.components].sort((a, b) => b.area - a.area).slice(0, MOST);
  const clean = largest.filter((component) => !isClutter(component, found));
  const candidates = clean.length ? clean : largest;
  if (!candidates.length) return [];
  const kept = [candidates[0]];
  let waiting = candidates.slice(1).filter((component) => component.area >= SPECK * kept[0].area);
  for (;;) {
    const reach = NEAR * extent(kept);
    const near = waiting.filter((component) => kept.some((other) => distance(component, other) <= reach));
    if (!near.length) return kept;
    kept.push(...near);
    waiting = waiting.filter((component) => !near.includes(component));
  }
}

/** Whether it is no part of a character by where it lies: a rule, a frame, a shadow along the picture's edge. */
export function isClutter(component, found) {
  const { height, width } = found.labels;
  if (found.components.length === 1 || component.area < 4) return false;
  if (component.width >= RULE * width && component.height <= FLAT * height) return true;
  if (component.height >= RULE * height && component.width <= FLAT * width) return true;
  const { top, left, bottom, right } = component;
  const mine = mapped(cut(found.labels, top, left, bottom, right), Uint8Array, (n) => Number(n === component.number));
  const touches = top === 0 || left === 0 || bottom === height || right === width;
  if (touches && shareAlongEdge(mine, top, left, height, width) >= ALONG) return true;
  return (
    isFrame(mine) &&
    found.components.some((other) => encloses(component, other) && other.height >= 0.3 * component.height)
  );
}

function shareAlongEdge(mine, top, left, height, width) {
  const band = Math.max(1, EDGE * Math.min(height, width));
  let [along, all] = [0, 0];
  mine.data.forEach((value, i) => {
    if (!value) return;
    const [y, x] = [top + Math.floor(i / mine.width), left + (i % mine.width)];
    all++;
    if (y < band || y >= height - band || x < band || x >= width - band) along++;
  });
  return along / all;
}

function isFrame(mine) {
  const { height, width } = mine;
  const [y, x] = [Math.max(1, roundEven(0.15 * height)), Math.max(1, roundEven(0.15 * width))];
  const inside = sum(cut(mine, y, x, height - y, width - x).data);
  const corners = [
    cut(mine, 0, 0, y, x),
    cut(mine, 0, width - x, y, width),
    cut(mine, height - y, 0, height, x),
    cut(mine, height - y, width - x, height, width),
  ];
  return inside <= 0.2 * sum(mine.data) && corners.filter((corner) => corner.data.some(Boolean)).length >= 3;
}

function encloses(outer, inner) {
  return (
    outer !== inner &&
    outer.top <= inner.top &&
    outer.left <= inner.left &&
    outer.bottom >= inner.bottom &&
    outer.right >= inner.right
  );
}

function distance(a, b) {
  return Math.max(a.top - b.bottom, b.top - a.bottom, a.left - b.right, b.left - a.right, 0);
}

function extent(components) {
  const of = (pick, side) => pick(...components.map((component) => component[side]));
  return Math.max(of(Math.max, "bottom") - of(Math.min, "top"), of(Math.max, "right") - of(Math.min, "left"));
}

/** Ruled lines taken out of a mask, also where a character crosses them. */
export function withoutRules(solid) {
  return transposed(withoutRows(transposed(withoutRows(solid))));
}

function withoutRows(solid) {
  const { height, width, data } = solid;
  if (Math.min(height, width) < 32) return solid;
  const lines = ruledRows(solid, Math.max(1, height >> 6));
  const count = sum(lines);
  if (!count || count / height > 0.5) return solid;
  const heights = runHeights(solid);
  const thin = Math.max(3, (FLAT / 2) * height);
  const left = mapped(solid, Uint8Array, (v, i) => Number(v && !(lines[Math.floor(i / width)] && heights[i] <= thin)));
  const [y, x] = [Math.max(1, height >> 5), Math.max(1, width >> 5)];
  const [middle, all] = [sum(cut(left, y, x, height - y, width - x).data), sum(left.data)];
  return middle >= (1 - AT_THE_EDGE) * all && all >= 0.1 * sum(data) ? left : solid;
}

/** 1 for each row that a line inks, which may slope by `band` pixels. */
function ruledRows({ data, height, width }, band) {
  const lines = new Uint8Array(height);
  for (let y = 0; y < height; y++) {
    let reached = 0;
    for (let x = 0; x < width; x++) {
      for (let row = Math.max(0, y - band); row <= Math.min(height - 1, y + band); row++) {
        if (data[row * width + x]) {
          reached++;
          break;
        }
      }
    }
    lines[y] = Number(reached / width >= RULE_ROW);
  }
  return lines;
}

function runHeights({ data, height, width }) {
  const heights = plane(height, width, Int32Array).data;
  for (let x = 0; x < width; x++) {
    for (let y = 0, end = 0; y < height; y = end + 1) {
      for (end = y; end < height && data[end * width + x]; end++);
      for (let row = y; row < end; row++) heights[row * width + x] = end - y;
    }
  }
  return heights;
}
