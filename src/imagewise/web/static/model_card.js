// The model's card: what it is, how good, on what; classes and confusion matrix where the card has them.

import { backboneRows, networkName } from "./backbone.js";
import { element, factList } from "./dom.js";
import { share } from "./format.js";
import { classTable, confusionTable, inOrder } from "./scores.js";

/** `address` is of the model's own page, or null if there is none. */
export function showCard(place, card, address) {
  place.replaceChildren(facts(card, address));
  const tables = element("details");
  for (const [split, metrics] of inOrder(card.metrics)) {
    if (metrics?.classes) tables.append(classTable(split, metrics, card.class_names));
    if (metrics?.confusion) tables.append(confusionTable(split, metrics.confusion, card.class_names));
  }
  if (!tables.children.length) return;
  tables.prepend(element("summary", "Scores of each class and confusion matrices"));
  place.append(tables);
}

function facts(card, address) {
  const { kind, height, width, channels } = card.framing;
  const rows = [
    ["Model", address ? element("a", card.name, { href: address }) : card.name],
    ["Classes", card.class_names.join(", ")],
    ["Input", `${width} × ${height} pixels, ${channels === 1 ? "grey" : "colour"} (framing ${kind})`],
    ["Trained on", card.data?.name],
    ["Network", networkName(card) ?? card.recipe?.name],
    ...backboneRows(card),
    ["Created", card.created?.slice(0, 10)],
  ];
  for (const [split, metrics] of inOrder(card.metrics)) {
    if (typeof metrics?.accuracy !== "number") continue;
    const count = metrics.count ? ` of ${metrics.count.toLocaleString("en")} pictures` : "";
    rows.push([`Accuracy on ${split}`, share(metrics.accuracy, metrics.count) + count]);
  }
  return factList(rows);
}
