// Runs side by side: their results, and the settings in which they differ.

import { addRow, element, wideTable } from "./dom.js";
import { duration, share } from "./format.js";
import { epochs, state } from "./live_run.js";

const RESULTS = [
  ["state", (run) => state(run)],
  ["epochs", (run) => epochs(run)],
  ["best validation accuracy", (run) => share(run.validation_accuracy, run.validation_count)],
  ["best epoch", (run) => run.best_epoch],
  ["model from epoch", (run) => run.model_epoch || null],
  ["test accuracy", (run) => share(run.test_accuracy, run.test_count)],
  ["training time", (run) => duration(run.seconds)],
];

function settingsOf(run) {
  const counts = Object.entries(run.counts).map(([split, count]) => [`pictures.${split}`, count]);
  const data = { data: run.data, "data.fingerprint": run.fingerprint?.slice(0, 12) ?? null };
  const { engine, device, settings, versions } = run;
  return { ...data, ...Object.fromEntries(counts), engine, device, ...settings, ...versions };
}

function inWords(value) {
  if (value === undefined) return "–";
  return value === null ? "none" : typeof value === "string" ? value : JSON.stringify(value);
}

/** Elements with tables of runs whose facts are known. */
export function comparison(runs) {
  const names = runs.map((run) => run.name);
  const [results, body] = wideTable("Results", ["", ...names]);
  for (const [head, cell] of RESULTS) addRow(body, head, runs.map(cell));
  const settings = runs.map(settingsOf);
  const keys = [...new Set(settings.flatMap(Object.keys))];
  const differing = keys.filter((key) => new Set(settings.map((each) => inWords(each[key]))).size > 1);
  const [differences, rows] = wideTable("Different settings", ["", ...names]);
  for (const key of differing) addRow(rows, key, settings.map((each) => inWords(each[key])));
  const rest = keys.length - differing.length;
  const same = rest === 1 ? "1 other setting is the same." : `${rest} other settings are the same.`;
  const none = element("p", `All ${keys.length} settings are the same.`);
  const shown = differing.length ? [differences, element("p", same)] : [none];
  return [element("h3", "Results"), results, element("h3", "Different settings"), ...shown];
}
