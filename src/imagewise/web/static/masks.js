// What NumPy's operators do to masks for ink.py and its neighbours. A mask is a plane of 0 and 1.

import { plane } from "./arrays.js";

/** The pixels whose value is at least `least`. */
export function atLeast(levels, least) {
  const made = plane(levels.height, levels.width, Uint8Array);
  for (let i = 0; i < made.data.length; i++) made.data[i] = levels.data[i] >= least ? 1 : 0;
  return made;
}

/** The pixels whose label is one of a set of numbers. */
export function labelled(labels, numbers) {
  const made = plane(labels.height, labels.width, Uint8Array);
  for (let i = 0; i < made.data.length; i++) if (labels.data[i] && numbers.has(labels.data[i])) made.data[i] = 1;
  return made;
}

export function both(a, b) {
  const made = plane(a.height, a.width, Uint8Array);
  for (let i = 0; i < made.data.length; i++) made.data[i] = a.data[i] & b.data[i];
  return made;
}

export function either(a, b) {
  const made = plane(a.height, a.width, Uint8Array);
  for (let i = 0; i < made.data.length; i++) made.data[i] = a.data[i] | b.data[i];
  return made;
}

export function inverted(mask) {
  const made = plane(mask.height, mask.width, Uint8Array);
  for (let i = 0; i < made.data.length; i++) made.data[i] = 1 - mask.data[i];
  return made;
}

export function any(mask) {
  return mask.data.includes(1);
}

/** How many pixels a mask has. */
export function area(mask) {
  let total = 0;
  for (let i = 0; i < mask.data.length; i++) total += mask.data[i];
  return total;
}
