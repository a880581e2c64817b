// A head on the features of a pretrained network: how it was fitted, and everything that was tried.

import { addRow, element, wideTable } from "./dom.js";
import { duration, share } from "./format.js";

/** Rows of `factList`; none without a head. */
export function headRows(head) {
  if (!head) return [];
  const { features, side, views, strength, temperature, kept, expectation } = head;
  const size = features && side ? `${features.toLocaleString("en")} features of ${side} × ${side} pixels` : null;
  const parts = [
    ["logistic regression", size].filter(Boolean).join(" on "),
    views.length ? `views: ${views.join(", ")}` : null,
    strength === null ? null : `regularisation ${strength}`,
    temperature === null ? null : `temperature ${Number(temperature.toPrecision(3))}`,
    kept ? "kept, because fine-tuning was not better on validation" : null,
  ];
  return [
    ["Head", parts.filter(Boolean).join("; ")],
    ["Expected accuracy", expectation && expected(expectation)],
  ];
}

function expected({ accuracy, low, high, count, method }) {
  const [middle, from, to] = [accuracy, low, high].map((each) => share(each, count));
  const pictures = count ? `, ${count.toLocaleString("en")} pictures` : "";
  return `${middle} (95% interval ${from} to ${to}, ${method}${pictures})`;
}

/** The training time in words, with the parts that the head took. */
export function timeOf(seconds, head) {
  const parts = [["features", head?.feature_seconds], ["head", head?.head_seconds]];
  const known = parts.filter(([, value]) => typeof value === "number").map(([name, value]) => `${name} ${duration(value)}`);
  return duration(seconds) + (known.length ? ` (${known.join(", ")})` : "");
}

/** A section with the accuracy of everything that was tried; null if nothing is known. */
export function headSection(head) {
  if (!head?.tried.length) return null;
  const section = element("section", "", { "aria-labelledby": "head-heading" });
  const measure = head.chosen_by === "cross-validation" ? "cross-validated accuracy" : "validation accuracy";
  const [table, body] = wideTable("Strengths tried", ["strength", "views", measure, "loss"]);
  for (const { views, strength, accuracy, loss } of head.tried) {
    const cells = [views.join(", "), share(accuracy, head.chosen_on), loss === null ? null : loss.toFixed(4)];
    const row = addRow(body, String(strength), cells);
    if (strength !== head.strength || views.join() !== head.views.join()) continue;
    row.classList.add("chosen");
    row.cells[0].append(" (chosen)");
  }
  const note = "Strengths of the regularisation, compared on pictures that the head was not fitted on. The lowest loss was chosen.";
  section.append(element("h2", "Choice of the regularisation", { id: "head-heading" }));
  section.append(element("p", note, { class: "hint" }), table);
  return section;
}
