// The page of all models that are served.

import { ask, keepLooking } from "./asking.js";
import { element } from "./elements.js";
import { addressOf, bytes, moment, shareOrNone } from "./words.js";

async function look() {
  const { body } = await ask("models");
  const table = document.getElementById("models").tBodies[0];
  table.replaceChildren();
  for (const model of body.models) {
    const row = table.insertRow();
    const head = element("th", "", { scope: "row" });
    head.append(element("a", model.name, { href: `models/${addressOf(model.name)}` }));
    row.append(head);
    const made = moment(model.created);
    const cells = [model.recipe, model.data, model.classes, shareOrNone(model.test_accuracy), bytes(model.size), made];
    for (const cell of cells) row.insertCell().append(cell ?? "–");
  }
  document.documentElement.dataset.ready = "true";
  return 30_000;
}

keepLooking(look);
