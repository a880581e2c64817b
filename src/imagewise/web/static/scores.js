// The score on one split: accuracy with its interval, scores of each class, and the shaded confusion matrix.

import { addRow, element, factList, foldedTable } from "./dom.js";
import { interval, points, share } from "./format.js";

const LEVELS = [0.005, 0.02, 0.1, 0.4, 0.8]; // of a row's pictures: at each a cell gets one shade darker
const MOST_MISTAKES = 5;

/** [name, score] of each score, the test's first: what a model is judged by. */
export function inOrder(metrics) {
  const rank = (name) => (name === "test" ? 0 : /\btest\b/i.test(name) ? 1 : 2);
  return Object.entries(metrics ?? {}).sort(([a], [b]) => rank(a) - rank(b));
}

export function scoreFacts(score) {
  const { count: all, accuracy_interval: bounds, calibration_error: error } = score;
  const count = all ? ` of ${all.toLocaleString("en")} pictures` : "";
  return factList([
    ["Accuracy", share(score.accuracy, all) + count],
    ["95% interval", bounds ? interval(bounds, all) : "unknown"],
    ["Top-3 accuracy", share(score.top3_accuracy, all) ?? "unknown"],
    ["Calibration error", error == null ? "unknown" : points(error, all)],
  ]);
}

/** Scores of each class. `names` are the classes in the model's order, which an object of them does not keep. */
export function classTable(split, { classes, confusion }, names, open = false) {
  const [details, body] = foldedTable(`Scores of each class, ${split}`, ["class", "precision", "recall", "F1", "pictures"], open);
  names.forEach((name, i) => {
    const { precision, recall, f1, count } = classes[name] ?? {};
    const predicted = confusion?.reduce((sum, row) => sum + row[i], 0) ?? count;
    addRow(body, name, [predicted ? share(precision, predicted) : null, share(recall, count), share(f1, count), count]);
  });
  return details;
}

export function confusionTable(split, matrix, names, open = false) {
  const [details, body] = foldedTable(`Confusion matrix, ${split}`, ["", ...names], open);
  const table = body.parentElement;
  table.className = "confusion";
  const note =
    "Rows: true class. Columns: prediction. Blue is correct, orange is wrong; darker means a larger share of the row.";
  details.insertBefore(element("p", note, { class: "hint" }), details.lastChild);
  matrix.forEach((counts, i) => {
    const row = addRow(body, names[i], counts.map(String));
    const all = counts.reduce((sum, count) => sum + count, 0);
    counts.forEach((count, j) => {
      const shade = count ? 1 + LEVELS.filter((level) => count / all >= level).length : 0;
      row.cells[j + 1].className = `${i === j ? "correct" : "wrong"}-${shade}`;
    });
  });
  details.append(commonMistakes(matrix, names));
  return details;
}

function commonMistakes(matrix, names) {
  const cells = matrix.flatMap((counts, i) => counts.map((count, j) => ({ count, i, j })));
  const wrong = cells.filter(({ count, i, j }) => i !== j && count);
  wrong.sort((a, b) => b.count - a.count);
  if (!wrong.length) return element("p", "No mistakes.");
  const said = wrong.slice(0, MOST_MISTAKES).map(({ count, i, j }) => `${names[i]} predicted as ${names[j]} (${times(count)})`);
  return element("p", `Most common mistakes: ${said.join(", ")}.`);
}

function times(count) {
  return count === 1 ? "once" : `${count} times`;
}

/** A section with everything known of a score; its tables are unfolded if `open`. */
export function scoreSection(split, score, open = true) {
  const section = element("section");
  section.append(element("h2", `Score on ${split}`), scoreFacts(score));
  const names = score.class_names ?? [];
  if (score.classes) section.append(classTable(split, score, names, open));
  else section.append(element("p", "No per-class scores."));
  if (score.confusion) section.append(confusionTable(split, score.confusion, names, open && names.length <= 20));
  else section.append(element("p", "No confusion matrix. To draw one: imagewise evaluate MODEL DATA --report FILE"));
  return section;
}
