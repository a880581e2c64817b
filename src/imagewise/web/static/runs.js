// The page of all runs: a list, and the chosen ones side by side. The address keeps the choice.

import { comparison } from "./compare.js";
import { Curves } from "./curves.js";
import { element } from "./dom.js";
import { duration, localTime, share } from "./format.js";
import { LiveRun, PAUSE, epochs, state } from "./live_run.js";
import { ask, poll } from "./poll.js";

const MOST = 6; // colours that can be told apart
const find = (id) => document.getElementById(id);
const curves = new Curves(find("curves"));
const rows = new Map(); // by name
const chosen = new Map(new URLSearchParams(location.search).getAll("compare").slice(0, MOST).map(entryOf));

let tag = null;
let list = [];

function entryOf(name) {
  return [name, new LiveRun(name)];
}

/** A row with its box and link; its other cells are filled by `fillRow`. */
function makeRow(name) {
  const row = document.createElement("tr");
  const head = element("th", "", { scope: "row" });
  const box = element("input", "", { type: "checkbox", "aria-label": `Compare ${name}` });
  box.checked = chosen.has(name);
  box.addEventListener("change", () => choose(name, box.checked));
  const label = element("label");
  label.append(box);
  head.append(label, element("a", name, { href: `runs/${encodeURIComponent(name)}` }));
  row.append(head);
  for (let i = 0; i < 8; i++) row.insertCell();
  row.box = box;
  return row;
}

function fillRow(row, run) {
  const cells = [
    state(run),
    share(run.test_accuracy, run.test_count),
    share(run.validation_accuracy, run.validation_count),
    epochs(run),
    duration(run.seconds),
    run.recipe,
    run.data,
    localTime(run.started),
  ];
  cells.forEach((text, i) => {
    row.cells[i + 1].textContent = text ?? "–";
  });
  row.cells[1].className = `state ${run.state}`;
  if (run.problems.length) row.cells[1].append(element("span", ` ${run.problems.join(" ")}`, { class: "problem" }));
}

function showList() {
  const names = list.map((run) => run.name);
  for (const name of [...rows.keys()].filter((each) => !names.includes(each))) {
    rows.get(name).remove();
    rows.delete(name);
  }
  const body = find("runs").tBodies[0];
  list.forEach((run, place) => {
    if (!rows.has(run.name)) rows.set(run.name, makeRow(run.name));
    const row = rows.get(run.name);
    if (body.rows[place] !== row) body.insertBefore(row, body.rows[place] ?? null);
    fillRow(row, run);
  });
  find("none").hidden = list.length > 0;
  find("listed").hidden = list.length === 0;
  limit();
}

/** What is chosen, and the way to it; the boxes of the others are disabled once there are as many as can be compared. */
function limit() {
  const count = chosen.size;
  find("chosen").textContent = "Choose up to six to compare them.";
  if (count) {
    find("chosen").textContent = count < MOST ? `${count} chosen. ` : `${count} chosen, which is the most. `;
    find("chosen").append(element("a", "Go to the comparison", { href: "#comparison" }));
  }
  for (const row of rows.values()) row.box.disabled = chosen.size >= MOST && !row.box.checked;
}

function choose(name, wanted) {
  if (wanted) chosen.set(...entryOf(name));
  else chosen.delete(name);
  const query = new URLSearchParams([...chosen.keys()].map((each) => ["compare", each])).toString();
  history.replaceState(history.state, "", location.pathname + (query && `?${query}`));
  limit();
  showChosen();
  refreshNow();
}

function showChosen() {
  const known = [...chosen.values()].filter((run) => run.facts);
  const withCurves = known.filter((run) => run.history.length);
  find("comparison").hidden = known.length === 0;
  find("curves").hidden = withCurves.length === 0;
  if (withCurves.length) curves.show(withCurves);
  find("tables").replaceChildren(...(known.length ? comparison(known.map((run) => run.facts)) : []));
}

async function refreshChosen() {
  let changed = false;
  for (const run of chosen.values()) {
    if (!list.some(({ name }) => name === run.name)) {
      chosen.delete(run.name); // its folder is gone
      changed = true;
      continue;
    }
    changed = (await run.refresh()) || changed;
  }
  if (changed) showChosen();
}

async function refresh() {
  const found = await ask("runs", tag);
  if (found) {
    tag = found.tag;
    list = found.body.runs;
    showList();
    find("folder").textContent = found.body.problem ?? "";
    find("folder").hidden = !found.body.problem;
  }
  await refreshChosen();
  document.documentElement.dataset.ready = "true";
  return list.some((run) => run.state === "training") ? PAUSE.training : PAUSE.other;
}

const refreshNow = poll(refresh);
