// The page of all models that are served.

import { element } from "./dom.js";
import { bytes, localTime, share } from "./format.js";
import { ask, poll } from "./poll.js";

async function refresh() {
  const { body } = await ask("models");
  const table = document.getElementById("models").tBodies[0];
  table.replaceChildren();
  for (const model of body.models) {
    const row = table.insertRow();
    const head = element("th", "", { scope: "row" });
    head.append(element("a", model.name, { href: `models/${encodeURIComponent(model.name)}` }));
    row.append(head);
    const created = localTime(model.created);
    const accuracy = share(model.test_accuracy, model.test_count);
    const tried = element("a", "Try it", { href: `./?${new URLSearchParams({ model: model.name })}` });
    const cells = [tried, accuracy, model.classes, model.recipe, model.data, bytes(model.size), created];
    for (const cell of cells) row.insertCell().append(cell ?? "–");
  }
  document.documentElement.dataset.ready = "true";
  return 30_000;
}

poll(refresh);
