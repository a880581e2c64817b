// Lines over epochs as SVG, drawn again for each width. Colours and dashes are the style sheet's.

const SVG = "http://www.w3.org/2000/svg";
const HEIGHT = 250;
const EDGE = { left: 60, right: 14, top: 10, bottom: 34 };
const DIGIT = 8; // pixels: width of one on an axis
const MARKED_UP_TO = 30; // epochs: with more, points would hide the line

function shape(name, attributes, text = "") {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.textContent = text;
  return made;
}

/** Round numbers from `low` to `high`, about `wanted` of them. */
export function ticks(low, high, wanted, smallest = 0) {
  const rough = (high - low) / wanted || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = Math.max([1, 2, 5, 10].find((factor) => factor * power >= rough * 0.999) * power, smallest);
  const found = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i++) found.push(i * step);
  return found;
}

/** 1, 2 and 5 times the powers of ten from `low` to `high`; over many powers, some of the powers alone. */
function logTicks(low, high) {
  const [first, last] = [low, high].map((end) => Math.floor(Math.log10(end)));
  const factors = last - first > 3 ? [1] : [1, 2, 5];
  const stride = Math.ceil((last - first) / 10) || 1;
  const found = [];
  for (let power = first; power <= last; power += stride) found.push(...factors.map((factor) => factor * 10 ** power));
  return found.filter((value) => value >= low && value <= high);
}

export class Chart {
  /**
   * `say` turns a value on the axis into text, `domain` the lowest and highest value into the ends of the axis, and
   * whether it is logarithmic.
   */
  constructor(title, say, domain) {
    this.title = title;
    this.say = say;
    this.domain = domain;
    this.svg = shape("svg", { role: "img", class: "chart", height: HEIGHT });
    this.series = [];
    new ResizeObserver(() => this.draw()).observe(this.svg);
  }

  /** `series`: [{label, look, points: [[epoch, value or null], ...], inWords: text of a value}] */
  show(series, epochs) {
    this.series = series;
    this.epochs = epochs;
    this.svg.setAttribute("aria-label", this.inWords());
    this.draw();
  }

  inWords() {
    const parts = this.series.map(({ label, points, inWords }) => {
      const known = points.filter(([, value]) => value !== null);
      if (!known.length) return `${label}: none`;
      return `${label}: from ${inWords(known[0][1])} to ${inWords(known.at(-1)[1])}`;
    });
    return `${this.title} by epoch, ${this.epochs} epochs. ${parts.join("; ")}.`;
  }

  draw() {
    const width = this.svg.clientWidth;
    if (!width || !this.series.length) return;
    this.svg.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
    const values = this.series.flatMap(({ points }) => points.map(([, value]) => value)).filter((v) => v !== null);
    const [low, high, isLog = false] = this.domain(
      values.reduce((a, b) => Math.min(a, b), Infinity),
      values.reduce((a, b) => Math.max(a, b), -Infinity),
    );
    const last = Math.max(this.epochs, 2);
    const x = (epoch) => EDGE.left + ((epoch - 1) / (last - 1)) * (width - EDGE.left - EDGE.right);
    const along = isLog ? Math.log : (value) => value;
    const part = (value) => (along(value) - along(low)) / (along(high) - along(low));
    const y = (value) => HEIGHT - EDGE.bottom - part(value) * (HEIGHT - EDGE.top - EDGE.bottom);
    this.toEpoch = (pixel) => 1 + ((pixel - EDGE.left) / (width - EDGE.left - EDGE.right)) * (last - 1);
    this.x = x;
    const parts = [...this.axes(isLog ? logTicks(low, high) : ticks(low, high, 8), last, width, x, y)];
    if (isLog) parts.push(shape("text", { class: "tick", x: EDGE.left, y: HEIGHT - 3 }, "logarithmic"));
    for (const { look, points } of this.series) parts.push(...this.line(look, points, x, y));
    this.cursor = shape("line", { class: "cursor", y1: EDGE.top, y2: HEIGHT - EDGE.bottom });
    this.svg.replaceChildren(...parts, this.cursor);
    this.point(this.pointed ?? this.epochs);
  }

  *axes(steps, last, width, x, y) {
    for (const value of steps) {
      yield shape("line", { class: "grid", x1: EDGE.left, x2: width - EDGE.right, y1: y(value), y2: y(value) });
      const label = this.say(value, steps[1] - steps[0]);
      yield shape("text", { class: "tick", x: EDGE.left - 8, y: y(value) + 4, "text-anchor": "end" }, label);
    }
    for (const epoch of ticks(1, last, Math.min(last, width / 70), 1)) {
      const fits = x(epoch) + (String(epoch).length * DIGIT) / 2 <= width;
      const place = { x: fits ? x(epoch) : width, y: HEIGHT - EDGE.bottom + 17, "text-anchor": fits ? "middle" : "end" };
      yield shape("text", { class: "tick", ...place }, epoch);
    }
    const middle = (EDGE.left + width - EDGE.right) / 2;
    yield shape("text", { class: "tick", x: middle, y: HEIGHT - 3, "text-anchor": "middle" }, "epoch");
  }

  *line(look, points, x, y) {
    let path = "";
    let pen = "M";
    for (const [epoch, value] of points) {
      if (value !== null) path += `${pen}${x(epoch).toFixed(1)} ${y(value).toFixed(1)}`;
      pen = value === null ? "M" : "L"; // an unknown value leaves a gap
    }
    yield shape("path", { class: `line ${look}`, d: path || "M0 0" });
    const known = points.filter(([, value]) => value !== null);
    if (points.length > MARKED_UP_TO) return;
    for (const [epoch, value] of known) yield mark(look, x(epoch), y(value));
  }

  /** Draw the upright line at an epoch. */
  point(epoch) {
    this.pointed = epoch;
    if (!this.cursor) return;
    for (const name of ["x1", "x2"]) this.cursor.setAttribute(name, this.x(epoch));
  }
}

/** A point of a line: another figure for each run, so that colour is not all that tells them apart. */
function mark(look, x, y) {
  const number = Number(/run-(\d)/.exec(look)[1]);
  const [r, place] = [3.5, `translate(${x.toFixed(1)} ${y.toFixed(1)})`];
  const figures = [
    `M${-r} 0a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0`,
    `M${-r} ${-r}h${2 * r}v${2 * r}h${-2 * r}z`,
    `M0 ${-r - 1}L${r + 1} ${r}H${-r - 1}z`,
    `M0 ${-r - 1.5}L${r + 1.5} 0L0 ${r + 1.5}L${-r - 1.5} 0z`,
    `M0 ${r + 1}L${r + 1} ${-r}H${-r - 1}z`,
    `M${-r} ${-r}L${r} ${r}M${-r} ${r}L${r} ${-r}`,
  ];
  return shape("path", { class: `mark ${look}`, d: figures[number], transform: place });
}

/** A piece of the line, for a legend. */
export function sample(look) {
  const svg = shape("svg", { class: "sample", width: 36, height: 12, viewBox: "0 0 36 12", "aria-hidden": "true" });
  svg.append(shape("path", { class: `line ${look}`, d: "M2 6H34" }), mark(look, 18, 6));
  return svg;
}
