// The model's card: what it is, how good, on what; classes and confusion matrix where the card has them.

import { element, factList } from "./dom.js";
import { share } from "./format.js";
import { classTable, confusionTable } from "./scores.js";

/** `address` is of the model's own page, or null if there is none. */
export function showCard(place, card, address) {
  place.replaceChildren(facts(card, address));
  for (const [split, metrics] of Object.entries(card.metrics ?? {})) {
    if (metrics?.classes) place.append(classTable(split, metrics, card.class_names));
    if (metrics?.confusion) place.append(confusionTable(split, metrics.confusion, card.class_names));
  }
}

function facts(card, address) {
  const { kind, height, width, channels } = card.framing;
  const rows = [
    ["Model", address ? element("a", card.name, { href: address }) : card.name],
    ["Classes", card.class_names.join(", ")],
    ["Input", `${width} × ${height} pixels, ${channels === 1 ? "grey" : "colour"} (framing ${kind})`],
    ["Trained on", card.data?.name],
    ["Network", card.recipe?.network?.name ?? card.recipe?.name],
    ["Created", card.created?.slice(0, 10)],
  ];
  for (const [split, metrics] of Object.entries(card.metrics ?? {})) {
    if (typeof metrics?.accuracy !== "number") continue;
    const count = metrics.count ? ` of ${metrics.count.toLocaleString("en")} pictures` : "";
    rows.push([`${capitalized(split)} accuracy`, share(metrics.accuracy, metrics.count) + count]);
  }
  return factList(rows);
}

function capitalized(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
