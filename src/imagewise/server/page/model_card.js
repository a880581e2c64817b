// The model's card: what it is, how good, on what; classes and confusion matrix where the card has them.

import { percent } from "./showing.js";

function element(name, text, attributes = {}) {
  const made = document.createElement(name);
  made.textContent = text;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

export function showCard(place, card) {
  place.replaceChildren(facts(card));
  for (const [split, metrics] of Object.entries(card.metrics ?? {})) {
    if (metrics?.classes) place.append(classTable(split, metrics.classes));
    const matrix = metrics?.confusion_matrix ?? metrics?.confusion;
    if (matrix) place.append(confusionTable(split, matrix, card.class_names));
  }
}

function facts(card) {
  const { kind, height, width, channels } = card.framing;
  const rows = [
    ["Model", card.name ?? card.model],
    ["Classes", card.class_names.join(", ")],
    ["Sees", `${width} × ${height} pixels, ${channels === 1 ? "grey" : "colour"} (framing ${kind})`],
    ["Trained on", card.data?.name],
    ["Network", card.recipe?.network?.name ?? card.recipe?.name],
    ["Made", card.created?.slice(0, 10)],
  ];
  for (const [split, metrics] of Object.entries(card.metrics ?? {})) {
    if (typeof metrics?.accuracy !== "number") continue;
    const count = metrics.count ? ` of ${metrics.count.toLocaleString("en")} pictures` : "";
    rows.push([`Right on ${split}`, `${(metrics.accuracy * 100).toFixed(2)}%${count}`]);
  }
  const list = document.createElement("dl");
  for (const [name, value] of rows) if (value) list.append(element("dt", name), element("dd", value));
  return list;
}

function table(caption, heads) {
  const details = document.createElement("details");
  const wide = element("div", "", { class: "wide", tabindex: "0", role: "region", "aria-label": caption });
  const made = document.createElement("table");
  const row = made.createTHead().insertRow();
  for (const head of heads) row.append(element("th", head, { scope: "col" }));
  wide.append(made);
  details.append(element("summary", caption), wide);
  return [details, made.createTBody()];
}

function classTable(split, classes) {
  const [details, body] = table(`Each class, ${split}`, ["class", "precision", "recall", "F1", "pictures"]);
  for (const [name, { precision, recall, f1, count }] of Object.entries(classes)) {
    const row = body.insertRow();
    row.append(element("th", name, { scope: "row" }));
    for (const share of [precision, recall, f1]) row.insertCell().textContent = percent(share);
    row.insertCell().textContent = count;
  }
  return details;
}

function confusionTable(split, matrix, names) {
  const [details, body] = table(`Taken for what, ${split}`, ["is \\ taken for", ...names]);
  matrix.forEach((counts, i) => {
    const row = body.insertRow();
    row.append(element("th", names[i], { scope: "row" }));
    for (const count of counts) row.insertCell().textContent = count;
  });
  return details;
}
