// framing.py's `frame` once more: the way from decoded pixels to network input.

import { isSeeThrough } from "./grey.js";
import { frameInk } from "./ink.js";
import { laidOnWhite, resize, toGrey, toRgb } from "./pillow.js";

const VERSIONS = { ink: 3, photo: 2 }; // FRAMING_VERSIONS
const UNWRITTEN = 2;

/** Throws if a model's pictures were framed otherwise than they would be here. */
export function checkVersion({ kind, version = UNWRITTEN }) {
  if (version === VERSIONS[kind]) return;
  const remedy = version < VERSIONS[kind] ? "Train the model again" : "Upgrade imagewise";
  throw new Error(
    `the model's pictures were framed by version ${version} of ${kind} framing, and this page has version ` +
      `${VERSIONS[kind]}. ${remedy}, and export it again`,
  );
}

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
  if (isSeeThrough(picture)) picture = laidOnWhite(picture);
  picture = channels === 3 ? toRgb(picture) : toGrey(picture);
  if (picture.height === height && picture.width === width) return picture.data;
  const scale = Math.max(width / picture.width, height / picture.height);
  const [boxWidth, boxHeight] = [width / scale, height / scale];
  // rounding can put a side a hair outside the picture
  const [left, top] = [Math.max(0, (picture.width - boxWidth) / 2), Math.max(0, (picture.height - boxHeight) / 2)];
  const [right, bottom] = [Math.min(left + boxWidth, picture.width), Math.min(top + boxHeight, picture.height)];
  return resize(picture, height, width, [left, top, right, bottom]).data;
}
