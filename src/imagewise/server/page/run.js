// The page of one run: its facts, its curves while it trains, its score, its recipe.

import { keepLooking } from "./asking.js";
import { Curves } from "./curves.js";
import { addRow, element, factList, foldedTable } from "./elements.js";
import { FollowedRun, epochs, state } from "./followed_run.js";
import { scoreSection } from "./scores.js";
import { addressOf, duration, moment, shareOrNone } from "./words.js";

const find = (id) => document.getElementById(id);
const name = decodeURIComponent(location.pathname.split("/").at(-1));
const run = new FollowedRun(name);
const curves = new Curves(find("curves"));

function link(text, address) {
  return element("a", text, { href: address });
}

function showFacts() {
  const { facts } = run;
  const best = shareOrNone(facts.validation_accuracy);
  const counts = Object.entries(facts.counts);
  const model = facts.served ? link(`served here as ${facts.served}`, `../models/${addressOf(facts.served)}`) : null;
  find("facts").replaceChildren(
    factList([
      ["State", element("span", state(facts), { class: `state ${facts.state}` })],
      ["Recipe", facts.recipe ?? "not known"],
      ["Data", facts.data ?? "not known"],
      ["Pictures", counts.map(([split, count]) => `${split} ${count?.toLocaleString("en")}`).join(", ") || null],
      ["Epochs", epochs(facts)],
      ["Best on validation", best ? `${best} (epoch ${facts.best_epoch})` : "not known"],
      ["On test", shareOrNone(facts.test_accuracy) ?? "not scored"],
      ["Training steps", duration(facts.seconds)],
      ["Engine", [facts.engine, facts.device].filter(Boolean).join(", ") || "not known"],
      ["Started", moment(facts.started) ?? "not known"],
      [facts.finished ? "Finished" : "Last written", moment(facts.finished ?? facts.written)],
      ["Model file", model ?? (facts.has_model ? "model.onnx, in the run's folder" : "not there yet")],
    ]),
  );
  find("notes").replaceChildren(...facts.problems.map((text) => element("p", text, { class: "problem" })));
}

function showScore() {
  const { test, validation } = run.facts;
  const [split, score] = test ? ["test", test] : ["validation", validation];
  find("score").replaceChildren(...(score ? [scoreSection(split, score)] : []));
}

function showRecipe() {
  const open = find("recipe").querySelector("details")?.open;
  const [details, body] = foldedTable("Recipe and versions", ["setting", "value"], open);
  const rows = { ...run.facts.settings, ...run.facts.versions };
  for (const [key, value] of Object.entries(rows)) addRow(body, key, [value === null ? "none" : String(value)]);
  find("recipe").replaceChildren(details);
}

async function look() {
  const known = run.history.length;
  const score = run.facts && JSON.stringify([run.facts.test, run.facts.validation]);
  const started = run.facts?.started;
  if (!(await run.look())) return run.pause;
  showFacts();
  find("no-curves").hidden = run.history.length > 0;
  find("curves").hidden = run.history.length === 0;
  if (run.history.length) curves.show([run]);
  if (JSON.stringify([run.facts.test, run.facts.validation]) !== score) showScore();
  if (run.facts.started !== started || !known) showRecipe();
  if (known && run.history.length > known) {
    const last = run.history.at(-1);
    find("spoken").textContent = `Epoch ${last[0]}: validation accuracy ${shareOrNone(last[4]) ?? "not known"}.`;
  }
  document.documentElement.dataset.ready = "true";
  return run.pause;
}

document.title = `imagewise: run ${name}`;
find("name").textContent = name;
find("compare").href = `../runs?${new URLSearchParams({ compare: name })}`;
keepLooking(look);
