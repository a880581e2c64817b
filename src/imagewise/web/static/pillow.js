// What Pillow does to photographs, in its own fixed-point arithmetic, so that the same pixels come out: grey levels,
// see-through pictures laid on a ground, the bicubic resize. Framing ink has a resize of its own, in resampling.js.
//
// A picture is {data, height, width, channels}: 8 bits a channel, row by row; 4 channels are RGBA, as a canvas has it.

import { clamp } from "./arrays.js";

const PRECISION = 2 ** 22; // of the weights of Resample.c
const SUPPORT = 2; // pixels to either side that its bicubic filter takes

function luma(red, green, blue) {
  return (red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16;
}

/** Image.convert("L") of opaque RGBA or RGB; grey stays as it is. */
export function toGrey(picture) {
  const { data, height, width, channels } = picture;
  if (channels === 1) return picture;
  const made = new Uint8Array(height * width);
  for (let i = 0, j = 0; i < made.length; i++, j += channels) made[i] = luma(data[j], data[j + 1], data[j + 2]);
  return { data: made, height, width, channels: 1 };
}

/** The alpha channel taken away, and grey spread, so that each pixel has three channels. */
export function toRgb(picture) {
  const { data, height, width, channels } = picture;
  if (channels === 3) return picture;
  const made = new Uint8Array(height * width * 3);
  for (let i = 0; i < height * width; i++) {
    for (let c = 0; c < 3; c++) made[i * 3 + c] = data[i * channels + (channels === 1 ? 0 : c)];
  }
  return { data: made, height, width, channels: 3 };
}

/** Image.alpha_composite on white, then without alpha. */
export function laidOnWhite(picture) {
  const { data, height, width } = picture;
  const made = new Uint8Array(height * width * 3);
  for (let i = 0; i < height * width; i++) {
    const share = data[i * 4 + 3] * 128;
    for (let c = 0; c < 3; c++) {
      const blend = data[i * 4 + c] * share + 255 * (255 * 128 - share) + (0x80 << 7);
      made[i * 3 + c] = ((blend >> 8) + blend) >> 8 >> 7;
    }
  }
  return { data: made, height, width, channels: 3 };
}

function bicubic(x) {
  x = Math.abs(x);
  if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
  return x < 2 ? (((x - 5) * x + 8) * x - 4) * -0.5 : 0;
}

/** Image.resize, bicubic: the columns first, then the rows. `area` is [left, top, right, bottom] of what is taken. */
export function resize(picture, height, width, area) {
  const [left, top, right, bottom] = area.map(Math.fround); // as C takes them
  if (width !== picture.width || left !== 0 || right !== width) {
    const taken = coefficients(picture.width, left, right, width);
    picture = resampled(picture, picture.height, width, (y, x) => [taken[x], y * picture.width, 1]);
  }
  if (height !== picture.height || top !== 0 || bottom !== height) {
    const taken = coefficients(picture.height, top, bottom, height);
    picture = resampled(picture, height, picture.width, (y, x) => [taken[y], x, picture.width]);
  }
  return picture;
}

function coefficients(before, start, end, after) {
  const scale = Math.fround(end - start) / after;
  const wide = Math.max(scale, 1);
  const reach = SUPPORT * wide;
  return Array.from({ length: after }, (_, index) => {
    const centre = start + (index + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - reach + 0.5));
    const last = Math.min(before, Math.trunc(centre + reach + 0.5));
    const shares = [];
    for (let i = first; i < last; i++) shares.push(bicubic((i - centre + 0.5) * (1 / wide)));
    const total = shares.reduce((a, b) => a + b, 0) || 1;
    const fixed = shares.map((share) => Math.trunc((share / total) * PRECISION + (share < 0 ? -0.5 : 0.5)));
    return { first, fixed };
  });
}

function resampled({ data, channels }, height, width, source) {
  const made = new Uint8Array(height * width * channels);
  for (let y = 0, out = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [{ first, fixed }, start, step] = source(y, x);
      for (let c = 0; c < channels; c++) {
        let total = PRECISION / 2;
        for (let i = 0; i < fixed.length; i++) total += fixed[i] * data[(start + (first + i) * step) * channels + c];
        made[out++] = clamp(Math.floor(total / PRECISION), 0, 255);
      }
    }
  }
  return { data: made, height, width, channels };
}
