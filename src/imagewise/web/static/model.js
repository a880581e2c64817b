// The page of one model: everything that its file says, and what is missing from it.

import { backboneRows, networkName } from "./backbone.js";
import { addRow, element, factList, foldedTable } from "./dom.js";
import { bytes, localTime } from "./format.js";
import { headRows, timeOf } from "./head.js";
import { ask, poll } from "./poll.js";
import { inOrder, scoreSection } from "./scores.js";

const find = (id) => document.getElementById(id);
const name = decodeURIComponent(location.pathname.split("/").at(-1));
const UNKNOWN = "not in the file";
const FRAMINGS = {
  ink: "finds the ink, crops and centres it",
  photo: "resizes the picture, then crops its centre",
  letterbox: "resizes the picture, then adds bars",
  squash: "resizes the picture, which may change its shape",
};

let version = null;

function trainingFacts({ training }) {
  const missing = "unknown (no run record next to the model)";
  if (!training) return [["Engine", missing]];
  const pictures = Object.entries(training.pictures).map(([split, count]) => `${split} ${count.toLocaleString("en")}`);
  const { epochs, best_epoch: best, head } = training;
  return [
    [training.engine ? "Engine" : "Device", [training.engine, training.device].filter(Boolean).join(", ") || missing],
    ["Pictures", pictures.join(", ") || null],
    ...headRows(head),
    ["Epochs", epochs === null || (head && !epochs) ? null : `${epochs}, model from epoch ${best}`],
    ["Training time", training.seconds === null ? null : timeOf(training.seconds, head)],
  ];
}

function licenceOf(data) {
  return data?.licence ? [data.licence, data.attribution].filter(Boolean).join("; ") : null;
}

function showFacts(card) {
  const { kind, height, width, channels } = card.framing;
  const fingerprint = card.data?.fingerprint ? `, fingerprint ${card.data.fingerprint.slice(0, 16)}` : "";
  const run = card.run && element("a", card.run, { href: `../runs/${encodeURIComponent(card.run)}` });
  find("facts").replaceChildren(
    factList([
      ["Version", `${card.version} (start of the file's SHA-256)`],
      ["Size", bytes(card.size)],
      ["Created", localTime(card.created) ?? UNKNOWN],
      ["Recipe", card.recipe?.name ?? UNKNOWN],
      ["Seed", card.recipe?.seed ?? UNKNOWN],
      ["Network", networkName(card) ?? UNKNOWN],
      ...backboneRows(card),
      ["Data", card.data?.name ? card.data.name + fingerprint : UNKNOWN],
      ["Split", card.data?.split_rule ? card.data.split_rule + (card.data.groups ? ` (groups: ${card.data.groups})` : "") : null],
      ...trainingFacts(card),
      ["Training run", run],
      ["Input", `${height} × ${width} × ${channels} (rows, columns, ${channels === 1 ? "grey" : "colours"}), uint8`],
      ["Framing", `${kind} (${FRAMINGS[kind] ?? "of another version"})`],
      ["Classes", `${card.class_names.length}: ${card.class_names.join(", ")}`],
      ["Licence of the data", licenceOf(card.data)],
      ["Licence", card.licence ?? UNKNOWN],
      ["Author", card.author ?? null],
      ["Limits", "Always answers with one of its classes, even for unrelated pictures. Check the confidence."],
    ]),
  );
}

function recipeTable(card) {
  const [details, body] = foldedTable("Recipe and versions", ["setting", "value"]);
  const add = (before, value) => {
    if (value && typeof value === "object" && !Array.isArray(value) && Object.keys(value).length) {
      for (const [key, each] of Object.entries(value)) add(before ? `${before}.${key}` : key, each);
    } else addRow(body, before, [typeof value === "string" ? value : JSON.stringify(value)]);
  };
  add("", { ...card.recipe, ...card.versions });
  return details;
}

async function refresh() {
  const { body: card } = await ask(`models/${encodeURIComponent(name)}`);
  if (card.version !== version) {
    version = card.version;
    showFacts(card);
    const none = element("section", "");
    none.append(element("h2", "Score"), element("p", "Not evaluated yet."));
    const sections = inOrder(card.metrics).map(([split, score], i) => scoreSection(split, score, i === 0));
    find("scores").replaceChildren(...(sections.length ? sections : [none]));
    find("recipe").replaceChildren(recipeTable(card));
  }
  document.documentElement.dataset.ready = "true";
  return 30_000; // a file that is replaced on disk is another model
}

document.title = `imagewise: model ${name}`;
find("name").textContent = name;
find("try").href = `../?${new URLSearchParams({ model: name })}`;
poll(refresh);
