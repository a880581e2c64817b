// Values in words, as all pages say them.

const SEVERAL_DIGITS = [[5000, 2], [500, 1]]; // as in display/formatting.py, which the reports use

/** A probability in percent. */
export function percent(fraction) {
  return `${(fraction * 100).toFixed(fraction > 0.9995 || fraction < 0.0005 ? 0 : 1)}%`;
}

/**
 * A fraction of `count` pictures in percent, with no more digits than so many pictures support; null if the fraction is
 * unknown. Only all and none are 100% and 0%.
 */
export function share(fraction, count) {
  if (fraction == null) return null;
  const digits = digitsFor(count);
  const [text, smallest] = [(fraction * 100).toFixed(digits), 10 ** -digits];
  if (fraction < 1 && Number(text) === 100) return `over ${(100 - smallest).toFixed(digits)}%`;
  if (fraction > 0 && Number(text) === 0) return `under ${smallest.toFixed(digits)}%`;
  return `${text}%`;
}

/** A range of fractions of `count` pictures: `between 55% and 81%`, or `at least`, `at most`, `about` one of them. */
export function interval([low, high], count) {
  const digits = digitsFor(count);
  const [from, to] = [share(low, count), share(high, count)];
  if (from === to) return `about ${from}`;
  if (Number((high * 100).toFixed(digits)) >= 100) return `at least ${from}`;
  if (Number((low * 100).toFixed(digits)) <= 0) return `at most ${to}`;
  return `between ${from} and ${to}`;
}

/** A difference of two fractions of `count` pictures in percentage points. */
export function points(difference, count) {
  const text = (difference * 100).toFixed(digitsFor(count));
  return `${text} point${text === "1" ? "" : "s"}`;
}

function digitsFor(count) {
  return SEVERAL_DIGITS.find(([least]) => (count ?? 0) >= least)?.[1] ?? 0;
}

export function duration(seconds) {
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60)];
  return hours ? `${hours} h ${minutes} min` : `${minutes} min ${whole % 60} s`;
}

/** Date and time in this browser's time zone; null if the text is not a date. */
export function localTime(text) {
  const date = new Date(text ?? "");
  return Number.isNaN(date.getTime()) ? null : date.toLocaleString("sv-SE").slice(0, 16);
}

export function bytes(size) {
  return size < 1e6 ? `${(size / 1e3).toFixed(0)} kB` : `${(size / 1e6).toFixed(1)} MB`;
}
