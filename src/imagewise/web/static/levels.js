// levels.py once more: the level below which a share of some levels lies.

/** One of the levels, below which this share of them lies. */
export function quantile(levels, share) {
  return Float64Array.from(levels).sort()[Math.trunc(share * levels.length)];
}

/** The level in the middle; the upper one of two. */
export function median(levels) {
  return quantile(levels, 0.5);
}
