// The curves of one or more runs: two charts, a legend, the figures of the epoch pointed at, and all of them as tables.

import { Chart, sample } from "./chart.js";
import { addRow, element, foldedTable } from "./elements.js";

const HEADS = ["epoch", "cost", "validation cost", "accuracy", "validation accuracy", "learning rate", "seconds"];

function number(value) {
  return value === null ? null : Number(value.toPrecision(4)).toString();
}

function share(value, step = 0.0001) {
  return value === null ? null : `${(value * 100).toFixed(step >= 0.01 ? 0 : step >= 0.001 ? 1 : 2)}%`;
}

function fromNought(low, high) {
  return [0, high > 0 ? high * 1.05 : 1];
}

function upToAll(low, high) {
  if (low > high) return [0, 1];
  const room = Math.max((high - low) * 0.08, 0.002);
  return [Math.max(low - room, 0), Math.min(high + room, 1)];
}

/** A row of history.csv as objects name it. */
function epochOf([epoch, cost, accuracy, validationCost, validationAccuracy, rate, seconds]) {
  return { epoch, cost, accuracy, validationCost, validationAccuracy, rate, seconds };
}

export class Curves {
  constructor(place) {
    this.cost = new Chart("Cost", (value) => number(value) ?? "–", fromNought);
    this.accuracy = new Chart("Accuracy", share, upToAll);
    this.legend = element("ul", "", { class: "legend" });
    this.slider = element("input", "", { type: "range", min: "1", step: "1" });
    const epoch = element("label", "Epoch ", { class: "epoch" });
    epoch.append(this.slider);
    this.told = element("div", "", { class: "told" });
    this.tables = element("div");
    this.tableOf = new Map();
    const charts = element("div", "", { class: "charts" });
    for (const chart of [this.cost, this.accuracy]) {
      const figure = element("figure");
      figure.append(element("figcaption", chart.title), chart.svg);
      charts.append(figure);
      chart.svg.addEventListener("pointermove", (event) => this.pointAt(chart, event));
      chart.svg.addEventListener("pointerdown", (event) => this.pointAt(chart, event));
    }
    this.slider.addEventListener("input", () => this.tell());
    place.replaceChildren(this.legend, charts, epoch, this.told, this.tables);
  }

  /** `runs`: [{name, history}]; the epoch pointed at stays, the last one moves on with the run. */
  show(runs) {
    this.runs = runs.map(({ name, history }) => ({ name, epochs: history.map(epochOf) }));
    const last = Math.max(1, ...this.runs.map(({ epochs }) => epochs.at(-1)?.epoch ?? 1));
    const atEnd = !this.last || Number(this.slider.value) === this.last;
    this.last = last;
    this.slider.max = last;
    if (atEnd) this.slider.value = last;
    this.slider.disabled = last === 1;
    this.cost.show(this.series("cost", "validationCost"), last);
    this.accuracy.show(this.series("accuracy", "validationAccuracy"), last);
    this.showLegend();
    this.showTables();
    this.tell();
  }

  series(training, validation) {
    const several = this.runs.length > 1;
    return this.runs.flatMap(({ name, epochs }, i) => {
      const before = several ? `${name}, ` : "";
      const line = (kind, number, key) => {
        return { label: before + kind, look: `run-${number} ${kind}`, points: epochs.map((e) => [e.epoch, e[key]]) };
      };
      return [line("training", several ? i : 1, training), line("validation", i, validation)];
    });
  }

  showLegend() {
    this.legend.replaceChildren(
      ...this.cost.series.map(({ label, look }) => {
        const item = element("li");
        item.append(sample(look), ` ${label}`);
        return item;
      }),
    );
  }

  pointAt(chart, event) {
    if (!chart.toEpoch || this.slider.disabled) return;
    const epoch = Math.round(chart.toEpoch(event.clientX - chart.svg.getBoundingClientRect().left));
    this.slider.value = Math.min(Math.max(epoch, 1), this.last);
    this.tell();
  }

  tell() {
    const epoch = Number(this.slider.value);
    this.cost.point(epoch);
    this.accuracy.point(epoch);
    const lines = this.runs.map(({ name, epochs }) => {
      const found = epochs.find((each) => each.epoch === epoch);
      const before = this.runs.length > 1 ? `${name}, epoch` : "Epoch";
      if (!found) return `${before} ${epoch}: not run.`;
      const pair = (a, b, say) => `${say(a) ?? "–"}, validation ${say(b) ?? "–"}`;
      const cost = pair(found.cost, found.validationCost, number);
      const right = pair(found.accuracy, found.validationAccuracy, share);
      return `${before} ${epoch}: cost ${cost}; accuracy ${right}.`;
    });
    this.slider.setAttribute("aria-valuetext", lines.join(" "));
    this.told.replaceChildren(...lines.map((line) => element("p", line)));
  }

  /** Rows are added to a table that is there already, so that who reads it is not thrown out. */
  showTables() {
    const names = this.runs.map(({ name }) => name);
    if (names.join("\n") !== [...this.tableOf.keys()].join("\n")) {
      this.tableOf = new Map(names.map((name) => [name, this.table(name)]));
      this.tables.replaceChildren(...[...this.tableOf.values()].map(([details]) => details));
    }
    for (const name of names) this.fill(name);
  }

  table(name) {
    const caption = this.runs.length > 1 ? `All figures of ${name}` : "All figures";
    const made = foldedTable(caption, HEADS, this.tableOf.get(name)?.[0].open);
    made[0].addEventListener("toggle", () => this.fill(name));
    return made;
  }

  fill(name) {
    const [details, body] = this.tableOf.get(name) ?? [];
    if (!details?.open) return;
    const { epochs } = this.runs.find((run) => run.name === name);
    if (body.rows.length > epochs.length) body.replaceChildren();
    for (const e of epochs.slice(body.rows.length)) {
      const cells = [number(e.cost), number(e.validationCost), share(e.accuracy), share(e.validationAccuracy)];
      addRow(body, e.epoch, [...cells, number(e.rate), number(e.seconds)]);
    }
  }
}
