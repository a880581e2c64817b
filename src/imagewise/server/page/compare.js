// Runs side by side: what came out, and in which settings they differ.

import { addRow, element, wideTable } from "./elements.js";
import { epochs, state } from "./followed_run.js";
import { duration, shareOrNone } from "./words.js";

const RESULTS = [
  ["state", (run) => state(run)],
  ["epochs", (run) => epochs(run)],
  ["best on validation", (run) => shareOrNone(run.validation_accuracy)],
  ["its epoch", (run) => run.best_epoch],
  ["on test", (run) => shareOrNone(run.test_accuracy)],
  ["training steps", (run) => duration(run.seconds)],
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

/** Tables for runs whose facts are known. */
export function comparison(runs) {
  const names = runs.map((run) => run.name);
  const [results, body] = wideTable("What came out", ["", ...names]);
  for (const [head, cell] of RESULTS) addRow(body, head, runs.map(cell));
  const settings = runs.map(settingsOf);
  const keys = [...new Set(settings.flatMap(Object.keys))];
  const differing = keys.filter((key) => new Set(settings.map((each) => inWords(each[key]))).size > 1);
  const [differences, rows] = wideTable("Settings that differ", ["", ...names]);
  for (const key of differing) addRow(rows, key, settings.map((each) => inWords(each[key])));
  const same = `${keys.length - differing.length} other settings are the same.`;
  const none = element("p", `All ${keys.length} settings are the same.`);
  const shown = differing.length ? [differences, element("p", same)] : [none];
  return [element("h3", "What came out"), results, element("h3", "Settings that differ"), ...shown];
}
