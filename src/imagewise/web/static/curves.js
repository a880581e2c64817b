// The curves of one or more runs: two charts, a legend, the values of the chosen epoch, and tables of all values.

import { Chart, sample } from "./chart.js";
import { addRow, element, foldedTable } from "./dom.js";
import { share } from "./format.js";

const HEADS = ["epoch", "loss", "validation loss", "accuracy", "validation accuracy", "learning rate", "seconds"];
const WIDE_RANGE = 20; // of the greatest loss to the least: a straight axis would flatten all but the greatest

function number(value) {
  return value === null ? null : Number(value.toPrecision(4)).toString();
}

function tick(value, step) {
  return `${(value * 100).toFixed(step >= 0.01 ? 0 : step >= 0.001 ? 1 : 2)}%`;
}

function lossDomain(low, high) {
  if (low > 0 && high / low > WIDE_RANGE) return [low / 1.1, high * 1.1, true];
  return [0, high > 0 ? high * 1.05 : 1];
}

function unitDomain(low, high) {
  if (low > high) return [0, 1];
  const room = Math.max((high - low) * 0.08, 0.002);
  return [Math.max(low - room, 0), Math.min(high + room, 1)];
}

/** A row of history.csv as an object. */
function epochOf([epoch, loss, accuracy, validationLoss, validationAccuracy, rate, seconds]) {
  return { epoch, loss, accuracy, validationLoss, validationAccuracy, rate, seconds };
}

export class Curves {
  constructor(place) {
    this.loss = new Chart("Loss", number, lossDomain);
    this.accuracy = new Chart("Accuracy", tick, unitDomain);
    this.legend = element("ul", "", { class: "legend" });
    this.slider = element("input", "", { type: "range", min: "1", step: "1" });
    const epoch = element("label", "Epoch ", { class: "epoch" });
    epoch.append(this.slider);
    this.readout = element("div", "", { class: "readout" });
    this.tables = element("div");
    this.tableOf = new Map();
    const charts = element("div", "", { class: "charts" });
    for (const chart of [this.loss, this.accuracy]) {
      const figure = element("figure");
      figure.append(element("figcaption", chart.title), chart.svg);
      charts.append(figure);
      chart.svg.addEventListener("pointermove", (event) => this.pointAt(chart, event));
      chart.svg.addEventListener("pointerdown", (event) => this.pointAt(chart, event));
    }
    this.slider.addEventListener("input", () => this.showReadout());
    place.replaceChildren(this.legend, charts, epoch, this.readout, this.tables);
  }

  /** `runs`: [{name, history, facts}]; the epoch pointed at stays, the last one moves on with the run. */
  show(runs) {
    this.runs = runs.map(({ name, history, facts: { counts } }) => {
      return { name, epochs: history.map(epochOf), counts: [counts.train, counts.validation] };
    });
    const last = Math.max(1, ...this.runs.map(({ epochs }) => epochs.at(-1)?.epoch ?? 1));
    const atEnd = !this.last || Number(this.slider.value) === this.last;
    this.last = last;
    this.slider.max = last;
    if (atEnd) this.slider.value = last;
    this.slider.disabled = last === 1;
    this.loss.show(this.series("loss", "validationLoss"), last);
    this.accuracy.show(this.series("accuracy", "validationAccuracy"), last);
    this.showLegend();
    this.showTables();
    this.showReadout();
  }

  series(training, validation) {
    const several = this.runs.length > 1;
    return this.runs.flatMap(({ name, epochs, counts }, i) => {
      const before = several ? `${name}, ` : "";
      const line = (kind, look, key, count) => {
        const inWords = (value) => (key.endsWith("ccuracy") ? share(value, count) : number(value));
        const points = epochs.map((e) => [e.epoch, e[key]]);
        return { label: before + kind, look: `run-${look} ${kind}`, points, inWords };
      };
      return [line("training", several ? i : 1, training, counts[0]), line("validation", i, validation, counts[1])];
    });
  }

  showLegend() {
    this.legend.replaceChildren(
      ...this.loss.series.map(({ label, look }) => {
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
    this.showReadout();
  }

  showReadout() {
    const chosen = Number(this.slider.value);
    this.loss.point(chosen);
    this.accuracy.point(chosen);
    const lines = this.runs.map(({ name, epochs, counts }) => {
      const epoch = chosen === this.last ? (epochs.at(-1)?.epoch ?? chosen) : chosen; // at the end, each run's own
      const found = epochs.find((each) => each.epoch === epoch);
      const before = this.runs.length > 1 ? `${name}, epoch` : "Epoch";
      if (!found) return `${before} ${epoch}: not trained.`;
      const pair = (training, validation) => `${training ?? "–"}, validation ${validation ?? "–"}`;
      const loss = pair(number(found.loss), number(found.validationLoss));
      const accuracy = pair(share(found.accuracy, counts[0]), share(found.validationAccuracy, counts[1]));
      return `${before} ${epoch}: loss ${loss}; accuracy ${accuracy}.`;
    });
    this.slider.setAttribute("aria-valuetext", lines.join(" "));
    this.readout.replaceChildren(...lines.map((line) => element("p", line)));
  }

  /** Rows are added to the table that is there already, so that its reader keeps their place. */
  showTables() {
    const names = this.runs.map(({ name }) => name);
    if (names.join("\n") !== [...this.tableOf.keys()].join("\n")) {
      this.tableOf = new Map(names.map((name) => [name, this.table(name)]));
      this.tables.replaceChildren(...[...this.tableOf.values()].map(([details]) => details));
    }
    for (const name of names) this.fill(name);
  }

  table(name) {
    const caption = this.runs.length > 1 ? `Values of each epoch, ${name}` : "Values of each epoch";
    const made = foldedTable(caption, HEADS, this.tableOf.get(name)?.[0].open);
    made[0].addEventListener("toggle", () => this.fill(name));
    return made;
  }

  fill(name) {
    const [details, body] = this.tableOf.get(name) ?? [];
    if (!details?.open) return;
    const { epochs, counts } = this.runs.find((run) => run.name === name);
    if (body.rows.length > epochs.length) body.replaceChildren();
    for (const e of epochs.slice(body.rows.length)) {
      const accuracies = [share(e.accuracy, counts[0]), share(e.validationAccuracy, counts[1])];
      addRow(body, e.epoch, [number(e.loss), number(e.validationLoss), ...accuracies, number(e.rate), number(e.seconds)]);
    }
  }
}
