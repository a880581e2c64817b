// clutter.py once more: what in a picture of a character is not the character.

import { cut, mapped, roundEven, sum } from "./arrays.js";
import { any, area, labelled } from "./masks.js";
import { largestAround } from "./windows.js";

const SPECK = 0.04;
const LEAST = 0.1;
const SHARP = 0.1;
const EDGE_WIDTH = 1 / 36;
const MOST = 40;
const TEXTURE = 12;
const NEAR = 0.4;
const EDGE = 0.14;
const ALONG = 0.7;

/** The components of an ink map that have sharp edges. Shadows and gradients have none. */
export function writtenComponents(ink, found) {
  const reach = 2 * Math.max(2, roundEven(Math.max(ink.height, ink.width) * EDGE_WIDTH)) + 1;
  const least = largestAround(mapped(ink, Uint8Array, (level) => 255 - level), reach).data;
  const sharp = new Array(found.components.length + 1).fill(0);
  found.labels.data.forEach((number, i) => (sharp[number] += Number(ink.data[i] >= 128 + (255 - least[i]))));
  return found.components.filter((component) => sharp[component.number] >= SHARP * component.area);
}

/** The components that make up the character: of those written the largest that is no clutter, and its other strokes. */
export function selectCharacter(found, written) {
  const largest = [...written].sort((a, b) => b.area - a.area).slice(0, MOST);
  const isLarge = (component) => component.area >= LEAST * largest[0].area;
  const clean = largest.filter((component) => !isClutter(component, found) && isLarge(component));
  const candidates = clean.length ? clean : largest;
  if (!candidates.length) return [];
  const [main] = candidates;
  const kept = [main];
  let waiting = candidates.slice(1).filter((component) => component.area >= SPECK * main.area);
  for (;;) {
    const reach = NEAR * extent(kept);
    const isNear = (component) =>
      kept.some((other) => distance(component, other) <= Math.min(reach, extent([component])));
    const near = waiting.filter(isNear);
    if (!near.length) break;
    kept.push(...near);
    waiting = waiting.filter((component) => !near.includes(component));
  }
  const alike = largest.filter((component) => component.area >= main.area / 3);
  return alike.length <= TEXTURE ? kept : [];
}

/** Whether it is not part of a character, by its place: a frame, or what is along the picture's edge. */
export function isClutter(component, found) {
  const { height, width } = found.labels;
  if (found.components.length === 1 || component.area < 4) return false;
  const { top, left, bottom, right } = component;
  const mine = labelled(cut(found.labels, top, left, bottom, right), new Set([component.number]));
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
  return inside <= 0.2 * area(mine) && corners.filter((corner) => any(corner)).length >= 3;
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
