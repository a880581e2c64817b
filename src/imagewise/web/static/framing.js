// framing.py's `frame` once more: the way from decoded pixels to network input.

import { roundEven } from "./arrays.js";
import { isSeeThrough } from "./grey.js";
import { frameInk } from "./ink.js";
import { laidOnWhite, resize, toGrey, toRgb } from "./pillow.js";

const VERSIONS = { ink: 3, photo: 2, letterbox: 1, squash: 1 }; // FRAMING_VERSIONS
const UNWRITTEN = 2;
const BARS = 128;

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
  if (framing.kind === "letterbox") return frameLetterbox(picture, framing);
  if (framing.kind === "squash") return frameSquash(picture, framing);
  return spread(frameInk(picture, framing.height, framing.width).data, framing.channels);
}

/** Each level as often as there are channels. */
export function spread(levels, channels) {
  const made = new Uint8Array(levels.length * channels);
  for (let i = 0; i < made.length; i++) made[i] = levels[Math.floor(i / channels)];
  return made;
}

function framePhoto(picture, { height, width, channels }) {
  picture = withChannels(picture, channels);
  if (picture.height === height && picture.width === width) return picture.data;
  const scale = Math.max(width / picture.width, height / picture.height);
  const [boxWidth, boxHeight] = [width / scale, height / scale];
  // rounding can put a side a hair outside the picture
  const [left, top] = [Math.max(0, (picture.width - boxWidth) / 2), Math.max(0, (picture.height - boxHeight) / 2)];
  const [right, bottom] = [Math.min(left + boxWidth, picture.width), Math.min(top + boxHeight, picture.height)];
  return resize(picture, height, width, [left, top, right, bottom]).data;
}

function frameLetterbox(picture, { height, width, channels }) {
  picture = withChannels(picture, channels);
  const scale = Math.min(width / picture.width, height / picture.height);
  const across = Math.min(Math.max(1, roundEven(picture.width * scale)), width);
  const down = Math.min(Math.max(1, roundEven(picture.height * scale)), height);
  if (picture.width !== across || picture.height !== down) {
    picture = resize(picture, down, across, [0, 0, picture.width, picture.height]);
  }
  const [top, left] = [Math.floor((height - down) / 2), Math.floor((width - across) / 2)];
  const framed = new Uint8Array(height * width * channels).fill(BARS);
  for (let row = 0; row < down; row++) {
    const line = picture.data.subarray(row * across * channels, (row + 1) * across * channels);
    framed.set(line, ((top + row) * width + left) * channels);
  }
  return framed;
}

function frameSquash(picture, { height, width, channels }) {
  picture = withChannels(picture, channels);
  if (picture.height === height && picture.width === width) return picture.data;
  return resize(picture, height, width, [0, 0, picture.width, picture.height]).data;
}

/** Grey (1) or RGB (3); what is see-through is on white. */
function withChannels(picture, channels) {
  if (isSeeThrough(picture)) picture = laidOnWhite(picture);
  return channels === 3 ? toRgb(picture) : toGrey(picture);
}
