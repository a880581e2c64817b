// Bars of the confidence: all classes in the model's order; of many classes the best ones, the best first.

import { percent } from "./format.js";

const MOST = 12; // classes that are all shown
const BEST = 10; // that are shown of more

export class Bars {
  /** `list` holds the bars, `rest` says how many classes have none. */
  constructor(list, rest) {
    Object.assign(this, { list, rest, names: [], rows: [] });
  }

  /** Bars for the classes of a model. */
  setClasses(names) {
    this.names = names;
    this.rows = names.slice(0, names.length > MOST ? BEST : MOST).map(makeRow);
    this.list.replaceChildren(...this.rows);
    this.show([]);
  }

  /** Show [{label, probability}], the best one first; none: no figures. */
  show(classes) {
    const shown = this.#shownOf(classes);
    this.rows.forEach((row, i) => {
      const { label, probability } = shown[i];
      const [name, track, figure] = row.children;
      name.textContent = label;
      track.firstChild.style.width = `${(probability ?? 0) * 100}%`;
      figure.textContent = probability === null ? "" : percent(probability);
      row.classList.toggle("best", label === classes[0]?.label);
    });
    const others = this.names.length - this.rows.length;
    const left = shown.reduce((sum, { probability }) => sum - probability, 1);
    this.rest.hidden = !others || !classes.length;
    this.rest.textContent = this.rest.hidden ? "" : `${others} other classes: ${percent(Math.max(0, left))} together.`;
  }

  #shownOf(classes) {
    if (!classes.length) return this.names.map((label) => ({ label, probability: null }));
    if (this.names.length > MOST) return classes.slice(0, BEST);
    const probabilities = new Map(classes.map(({ label, probability }) => [label, probability]));
    return this.names.map((label) => ({ label, probability: probabilities.get(label) ?? 0 }));
  }
}

function makeRow() {
  const row = document.createElement("li");
  const [name, track, fill, figure] = ["name", "track", "fill", "percent"].map((part) => {
    const made = document.createElement(part === "track" || part === "fill" ? "div" : "span");
    made.className = part;
    return made;
  });
  track.append(fill);
  track.setAttribute("aria-hidden", "true");
  row.append(name, track, figure);
  return row;
}
