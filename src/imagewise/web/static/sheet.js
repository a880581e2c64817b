// sheet.py once more: a sheet of paper on a desk, and the part of the picture that it is.

import { boxOf, mapped, mean } from "./arrays.js";
import { findComponents, largestOf } from "./components.js";
import { lighterPart } from "./ground.js";
import { any, area, both, inverted, labelled } from "./masks.js";
import { eroded, largestAround } from "./windows.js";

const LEAST = 0.1;
const LIGHT = 0.75;
const WITHIN = 0.97;
const BORDER = 0.3;
const DARK = 0.8;
const STEP = 0.5;

/** {inside, top, left, bottom, right} of the sheet in a small plane of levels; null where there is none. */
export function findSheet(small) {
  const lighter = lighterPart(small);
  if (mean(borderOf(lighter)) > BORDER + 1 - DARK) return null;
  const light = eroded(largestAround(lighter, 3), 3);
  const found = findComponents(light);
  const largest = largestOf(found.components);
  if (!largest || largest.area < LEAST * light.data.length) return null;
  const mine = labelled(found.labels, new Set([largest.number]));
  if (mean(borderOf(mine)) > BORDER) return null;
  const whole = largestAround(quadrilateral(mine), 3);
  if (area(both(mine, whole)) < Math.max(WITHIN * largest.area, LIGHT * area(whole))) return null;
  const [inside, outside] = [eroded(whole, 5), inverted(largestAround(whole, 3))];
  if (!any(inside) || !any(outside) || area(both(light, outside)) > (1 - DARK) * area(outside)) return null;
  const rim = both(both(inside, largestAround(inverted(inside), 3)), light);
  const around = both(outside, largestAround(whole, 5));
  if (!any(rim) || !any(around)) return null;
  const level = (mask) => mean(small.data.filter((_, i) => mask.data[i]));
  if (level(rim) - level(around) < STEP * (level(mine) - level(outside))) return null;
  const [top, left, bottom, right] = boxOf(inside);
  return { inside, top, left, bottom, right };
}

function borderOf({ data, height, width }) {
  const rows = [...data.subarray(0, width), ...data.subarray((height - 1) * width)];
  for (let y = 0; y < height; y++) rows.push(data[y * width], data[(y + 1) * width - 1]);
  return rows;
}

/** The larger of two quadrilaterals: of the mask's outermost pixels along the diagonals, and along the sides. */
function quadrilateral(mine) {
  const { data, width } = mine;
  const pixels = Array.from(data.keys()).filter((i) => data[i]);
  const ways = [
    [(y, x) => x + y, (y, x) => x - y],
    [(y) => y, (y, x) => x],
  ];
  let best = mapped(mine, Uint8Array, () => 0);
  for (const [down, right] of ways) {
    const farthest = (along, sign) => {
      let [most, found] = [-Infinity, null];
      for (const i of pixels) {
        const [y, x] = [Math.floor(i / width), i % width];
        if (sign * along(y, x) > most) [most, found] = [sign * along(y, x), [y, x]];
      }
      return found;
    };
    const corners = [farthest(down, -1), farthest(right, 1), farthest(down, 1), farthest(right, -1)];
    const made = polygon(corners, mine);
    if (area(made) > area(best)) best = made;
  }
  return best;
}

/** The pixels inside a convex polygon whose corners, [y, x], go around clockwise. */
function polygon(corners, shape) {
  const sides = corners.map((corner, n) => [...corner, ...corners[(n + 1) % corners.length]]);
  return mapped(shape, Uint8Array, (_, i) => {
    const [y, x] = [Math.floor(i / shape.width), i % shape.width];
    const within = ([top, left, bottom, right]) => (right - left) * (y - top) - (bottom - top) * (x - left) >= 0;
    return Number(sides.every(within));
  });
}
