// A score on a split: accuracy with its interval, each class, and the confusion matrix, its cells shaded by class name.

import { addRow, element, factList, foldedTable } from "./elements.js";
import { percent } from "./showing.js";

const LEVELS = [0.005, 0.02, 0.1, 0.4, 0.8]; // of a row's pictures: from each on a cell is one shade darker
const MIX_UPS = 5;

export function accuracy(share) {
  return `${(share * 100).toFixed(2)}%`;
}

export function scoreFacts(score) {
  const interval = score.accuracy_interval?.map(accuracy).join(" to ");
  const count = score.count ? ` of ${score.count.toLocaleString("en")} pictures` : "";
  return factList([
    ["Accuracy", accuracy(score.accuracy) + count],
    ["95% interval", interval ?? "not there"],
    ["Among the top 3", score.top3_accuracy == null ? "not there" : accuracy(score.top3_accuracy)],
    ["Calibration error", score.calibration_error == null ? "not there" : score.calibration_error.toFixed(4)],
  ]);
}

export function classTable(split, classes, open = false) {
  const [details, body] = foldedTable(`Each class, ${split}`, ["class", "precision", "recall", "F1", "pictures"], open);
  for (const [name, { precision, recall, f1, count }] of Object.entries(classes)) {
    const shares = [precision, recall, f1].map((share) => (share == null ? null : percent(share)));
    addRow(body, name, [...shares, count]);
  }
  return details;
}

export function confusionTable(split, matrix, names, open = false) {
  const [details, body] = foldedTable(`Confusion matrix, ${split}`, ["", ...names], open);
  const table = body.parentElement;
  table.className = "confusion";
  const note =
    "Rows: what it is. Columns: what it was taken for. Blue: right, orange: wrong; the stronger, the larger its share.";
  details.insertBefore(element("p", note, { class: "hint" }), details.lastChild);
  matrix.forEach((counts, i) => {
    const row = addRow(body, names[i], counts.map(String));
    const all = counts.reduce((sum, count) => sum + count, 0);
    counts.forEach((count, j) => {
      const shade = count ? 1 + LEVELS.filter((level) => count / all >= level).length : 0;
      row.cells[j + 1].className = `${i === j ? "right" : "wrong"}-${shade}`;
    });
  });
  details.append(mixUps(matrix, names));
  return details;
}

function mixUps(matrix, names) {
  const cells = matrix.flatMap((counts, i) => counts.map((count, j) => ({ count, i, j })));
  const wrong = cells.filter(({ count, i, j }) => i !== j && count);
  wrong.sort((a, b) => b.count - a.count);
  if (!wrong.length) return element("p", "Nothing was taken for anything else.");
  const said = wrong.slice(0, MIX_UPS).map(({ count, i, j }) => `${names[i]} for ${names[j]} (${count})`);
  return element("p", `Most often taken wrongly: ${said.join(", ")}.`);
}

/** All of it, as a section. What is not there is said not to be. */
export function scoreSection(split, score) {
  const section = element("section");
  section.append(element("h2", `Score on ${split}`), scoreFacts(score));
  if (score.classes) section.append(classTable(split, score.classes, true));
  else section.append(element("p", "There are no figures of each class."));
  const names = Object.keys(score.classes ?? {});
  if (score.confusion) section.append(confusionTable(split, score.confusion, names, names.length <= 20));
  else section.append(element("p", "There is no confusion matrix; imagewise evaluate MODEL DATA --report FILE draws one."));
  return section;
}
