// The page of one run: its facts, its curves while it trains, its score, its recipe.

import { Curves } from "./curves.js";
import { addRow, element, factList, foldedTable } from "./dom.js";
import { localTime, share } from "./format.js";
import { headRows, headSection, timeOf } from "./head.js";
import { LiveRun, epochs, state } from "./live_run.js";
import { poll } from "./poll.js";
import { scoreSection } from "./scores.js";

const find = (id) => document.getElementById(id);
const name = decodeURIComponent(location.pathname.split("/").at(-1));
const run = new LiveRun(name);
const curves = new Curves(find("curves"));

function link(text, address) {
  return element("a", text, { href: address });
}

function showFacts() {
  const { facts } = run;
  const best = share(facts.validation_accuracy, facts.validation_count);
  const validated = facts.best_epoch === null ? best : `${best} (epoch ${facts.best_epoch})`;
  const counts = Object.entries(facts.counts);
  const model = facts.served ? link(`${facts.served} (served here)`, `../models/${encodeURIComponent(facts.served)}`) : null;
  find("facts").replaceChildren(
    factList([
      ["State", element("span", state(facts), { class: `state ${facts.state}` })],
      ["Recipe", facts.recipe ?? "unknown"],
      ["Data", facts.data ?? "unknown"],
      ["Pictures", counts.map(([split, count]) => `${split} ${count?.toLocaleString("en")}`).join(", ") || null],
      ["Network", facts.backbone && `${facts.backbone} (pretrained)`],
      ...headRows(facts.head),
      ["Epochs", epochs(facts)],
      [facts.trains === "head" ? "Validation accuracy" : "Best validation accuracy", best ? validated : "unknown"],
      ["Test accuracy", share(facts.test_accuracy, facts.test_count) ?? "not evaluated"],
      ["Training time", timeOf(facts.seconds, facts.head)],
      [facts.engine ? "Engine" : "Device", [facts.engine, facts.device].filter(Boolean).join(", ") || "unknown"],
      ["Started", localTime(facts.started) ?? "unknown"],
      [facts.finished ? "Finished" : "Last written", localTime(facts.finished ?? facts.written)],
      ["Model file", model ?? (facts.has_model ? "model.onnx in the run's folder" : "not written yet")],
      ["Model from epoch", facts.model_epoch || null],
    ]),
  );
  find("try").hidden = !facts.served;
  if (facts.served) find("try").href = `../?${new URLSearchParams({ model: facts.served })}`;
  find("notes").replaceChildren(...facts.problems.map((text) => element("p", text, { class: "problem" })));
}

function showScore() {
  const { test, validation } = run.facts;
  const [split, score] = test ? ["test", test] : ["validation", validation];
  find("score").replaceChildren(...(score ? [scoreSection(split, score)] : []));
}

function showHead() {
  const section = headSection(run.facts.head);
  find("head").replaceChildren(...(section ? [section] : []));
  const { trains, head, state: now } = run.facts;
  find("by-epoch").hidden = trains === "head" && (head !== null || now !== "training");
  find("curves-heading").textContent = trains === "head" ? "Head" : "Curves";
  find("no-curves").textContent = trains === "head" ? "Waiting for the head …" : "Waiting for the first epoch …";
}

function showRecipe() {
  const open = find("recipe").querySelector("details")?.open;
  const [details, body] = foldedTable("Recipe and versions", ["setting", "value"], open);
  const rows = { ...run.facts.settings, ...run.facts.versions };
  for (const [key, value] of Object.entries(rows)) addRow(body, key, [value === null ? "none" : String(value)]);
  find("recipe").replaceChildren(details);
}

async function refresh() {
  const known = run.history.length;
  const score = run.facts && JSON.stringify([run.facts.test, run.facts.validation]);
  const started = run.facts?.started;
  if (!(await run.refresh())) return run.pause;
  showFacts();
  showHead();
  find("no-curves").hidden = run.history.length > 0;
  find("curves").hidden = run.history.length === 0;
  if (run.history.length) curves.show([run]);
  if (JSON.stringify([run.facts.test, run.facts.validation]) !== score) showScore();
  if (run.facts.started !== started || !known) showRecipe();
  if (known && run.history.length > known) {
    const last = run.history.at(-1);
    const accuracy = share(last[4], run.facts.validation_count) ?? "unknown";
    find("spoken").textContent = `Epoch ${last[0]}: validation accuracy ${accuracy}.`;
  }
  document.documentElement.dataset.ready = "true";
  return run.pause;
}

document.title = `imagewise: run ${name}`;
find("name").textContent = name;
find("compare").href = `../runs?${new URLSearchParams({ compare: name })}`;
poll(refresh);
