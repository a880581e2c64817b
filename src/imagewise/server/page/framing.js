// picture.py's `frame` once more: the way from decoded pixels to network input.

import { frameInk } from "./ink.js";
import { filters, isSeeThrough, laidOn, resize, toGrey, toRgb } from "./pillow.js";

/**
 * Uint8Array of height x width x channels, as the network takes it.
 *
 * `picture` is {data, height, width, channels}: 1 (grey), 3 (RGB) or 4 (RGBA) channels of 8 bits, row by row.
 * `framing` is the model card's {kind, height, width, channels}.
 */
export function frame(picture, framing) {
  if (framing.kind === "photo") return framePhoto(picture, framing);
  return spread(frameInk(picture, framing.height, framing.width).data, framing.channels);
}

/** Each level as often as there are channels. */
export function spread(levels, channels) {
  const made = new Uint8Array(levels.length * channels);
  for (let i = 0; i < made.length; i++) made[i] = levels[Math.floor(i / channels)];
  return made;
}

function framePhoto(picture, { height, width, channels }) {
  if (isSeeThrough(picture)) picture = laidOn(picture, 255);
  picture = channels === 3 ? toRgb(picture) : toGrey(picture);
  if (picture.height === height && picture.width === width) return picture.data;
  const scale = Math.max(width / picture.width, height / picture.height);
  const [boxWidth, boxHeight] = [width / scale, height / scale];
  const [left, top] = [(picture.width - boxWidth) / 2, (picture.height - boxHeight) / 2];
  return resize(picture, height, width, filters.bicubic, [left, top, left + boxWidth, top + boxHeight]).data;
}
