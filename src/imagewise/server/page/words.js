// Values in words, as all pages say them.

import { accuracy } from "./scores.js";

export function shareOrNone(share) {
  return share === null ? null : accuracy(share);
}

export function duration(seconds) {
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60)];
  return hours ? `${hours} h ${minutes} min` : `${minutes} min ${whole % 60} s`;
}

/** In this browser's own time. */
export function moment(text) {
  const date = new Date(text ?? "");
  return Number.isNaN(date.getTime()) ? null : date.toLocaleString("sv-SE").slice(0, 16);
}

export function addressOf(name) {
  return encodeURIComponent(name);
}

export function bytes(size) {
  return size < 1e6 ? `${(size / 1e3).toFixed(0)} kB` : `${(size / 1e6).toFixed(1)} MB`;
}
