// What Pillow does to pictures before ink.py and picture.py see them, in its own fixed-point arithmetic, so that the
// same pixels come out: grey levels, see-through pictures laid on a ground, reduce, thumbnail, resize.
//
// A picture is {data, height, width, channels}: 8 bits a channel, row by row; 4 channels are RGBA, as a canvas has it.

import { clamp } from "./planes.js";

const PRECISION = 2 ** 22; // of the weights of Resample.c

export function isSeeThrough(picture) {
  if (picture.channels !== 4) return false;
  for (let i = 3; i < picture.data.length; i += 4) if (picture.data[i] !== 255) return true;
  return false;
}

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

/** Image.alpha_composite on an opaque ground of one level, then without alpha. */
export function laidOn(picture, ground) {
  const { data, height, width } = picture;
  const made = new Uint8Array(height * width * 3);
  for (let i = 0; i < height * width; i++) {
    const share = data[i * 4 + 3] * 128;
    for (let c = 0; c < 3; c++) {
      const blend = data[i * 4 + c] * share + ground * (255 * 128 - share) + (0x80 << 7);
      made[i * 3 + c] = ((blend >> 8) + blend) >> 8 >> 7;
    }
  }
  return { data: made, height, width, channels: 3 };
}

/** The mean grey level of what can be seen, weighted by how much it can be. */
export function meanSeen(picture) {
  let [levels, alphas] = [0, 0];
  for (let i = 0; i < picture.data.length; i += 4) {
    const alpha = picture.data[i + 3];
    levels += luma(picture.data[i], picture.data[i + 1], picture.data[i + 2]) * alpha;
    alphas += alpha;
  }
  return levels / Math.max(alphas, 1);
}

/** Image.reduce: the mean of each factor x factor pixels, of fewer at the right and lower edge. */
export function reduce(picture, factor) {
  const { data, channels } = picture;
  const [height, width] = [Math.ceil(picture.height / factor), Math.ceil(picture.width / factor)];
  const made = new Uint8Array(height * width * channels);
  for (let y = 0; y < height; y++) {
    const bottom = Math.min((y + 1) * factor, picture.height);
    for (let x = 0; x < width; x++) {
      const right = Math.min((x + 1) * factor, picture.width);
      const count = (bottom - y * factor) * (right - x * factor);
      const multiplier = Math.floor(2 ** 24 / count);
      for (let c = 0; c < channels; c++) {
        let total = count >> 1;
        for (let row = y * factor; row < bottom; row++) {
          const end = (row * picture.width + right) * channels;
          for (let i = (row * picture.width + x * factor) * channels + c; i < end; i += channels) total += data[i];
        }
        made[(y * width + x) * channels + c] = Math.floor((total * multiplier) / 2 ** 24);
      }
    }
  }
  return { data: made, height, width, channels };
}

/** [height, width] of Image.thumbnail((side, side)); the picture's own where it is no larger. */
export function thumbnailSize(height, width, side) {
  if (width <= side && height <= side) return [height, width];
  const aspect = width / height;
  const nearest = (number, error) => {
    const [low, high] = [Math.floor(number), Math.ceil(number)];
    return Math.max(error(high) < error(low) ? high : low, 1);
  };
  if (aspect <= 1) return [side, nearest(side * aspect, (n) => Math.abs(aspect - n / side))];
  return [nearest(side / aspect, (n) => (n === 0 ? 0 : Math.abs(aspect - side / n))), side];
}

const box = { support: 0.5, at: (x) => (x > -0.5 && x <= 0.5 ? 1 : 0) };
const bicubic = {
  support: 2,
  at: (x) => {
    x = Math.abs(x);
    if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
    return x < 2 ? (((x - 5) * x + 8) * x - 4) * -0.5 : 0;
  },
};
export const filters = { box, bicubic };

/** Image.resize: the columns first, then the rows. `area` is [left, top, right, bottom] of what is taken. */
export function resize(picture, height, width, filter, area = [0, 0, picture.width, picture.height]) {
  const [left, top, right, bottom] = area.map(Math.fround); // as C takes them
  if (width !== picture.width || left !== 0 || right !== width) {
    const taken = coefficients(picture.width, left, right, width, filter);
    picture = resampled(picture, picture.height, width, (y, x) => [taken[x], y * picture.width, 1]);
  }
  if (height !== picture.height || top !== 0 || bottom !== height) {
    const taken = coefficients(picture.height, top, bottom, height, filter);
    picture = resampled(picture, height, picture.width, (y, x) => [taken[y], x, picture.width]);
  }
  return picture;
}

function coefficients(before, start, end, after, filter) {
  const scale = Math.fround(end - start) / after;
  const wide = Math.max(scale, 1);
  const reach = filter.support * wide;
  return Array.from({ length: after }, (_, index) => {
    const centre = start + (index + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - reach + 0.5));
    const last = Math.min(before, Math.trunc(centre + reach + 0.5));
    const shares = [];
    for (let i = first; i < last; i++) shares.push(filter.at((i - centre + 0.5) * (1 / wide)));
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
