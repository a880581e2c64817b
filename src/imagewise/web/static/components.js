// components.py once more: pixels that touch, corners included.

import { plane } from "./arrays.js";

/** {labels, components}: each component {number, area, top, left, bottom, right}, in order of its first pixel. */
export function findComponents(solid) {
  const { data, height, width } = solid;
  const labels = plane(height, width, Int32Array);
  const components = [];
  const waiting = [];
  for (let start = 0; start < data.length; start++) {
    if (!data[start] || labels.data[start]) continue;
    const number = components.length + 1;
    const found = { number, area: 0, top: height, left: width, bottom: 0, right: 0 };
    labels.data[start] = number;
    waiting.push(start);
    while (waiting.length) {
      const place = waiting.pop();
      const [y, x] = [Math.floor(place / width), place % width];
      found.area++;
      found.top = Math.min(found.top, y);
      found.left = Math.min(found.left, x);
      found.bottom = Math.max(found.bottom, y + 1);
      found.right = Math.max(found.right, x + 1);
      for (let row = Math.max(0, y - 1); row <= Math.min(height - 1, y + 1); row++) {
        for (let column = Math.max(0, x - 1); column <= Math.min(width - 1, x + 1); column++) {
          const next = row * width + column;
          if (!data[next] || labels.data[next]) continue;
          labels.data[next] = number;
          waiting.push(next);
        }
      }
    }
    components.push({ ...found, height: found.bottom - found.top, width: found.right - found.left });
  }
  return { labels, components };
}

/** The component with the most pixels, of equals the first; undefined where there is none. */
export function largestOf(components) {
  return components.reduce((best, each) => (best && best.area >= each.area ? best : each), undefined);
}
