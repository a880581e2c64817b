// The page of one model: all that its file says of it, and what it does not say.

import { ask, keepLooking } from "./asking.js";
import { addRow, element, factList, foldedTable } from "./elements.js";
import { scoreSection } from "./scores.js";
import { addressOf, bytes, duration, moment } from "./words.js";

const find = (id) => document.getElementById(id);
const name = decodeURIComponent(location.pathname.split("/").at(-1));
const NOT_THERE = "not in the file";

let version = null;

function trained({ training }) {
  const missing = "not in the file, and no record of its run lies beside it";
  if (!training) return [["Engine", missing]];
  const pictures = Object.entries(training.pictures).map(([split, count]) => `${split} ${count.toLocaleString("en")}`);
  const { epochs, best_epoch: best } = training;
  return [
    ["Engine", [training.engine, training.device].filter(Boolean).join(", ") || missing],
    ["Pictures", pictures.join(", ") || null],
    ["Epochs", epochs === null ? null : `${epochs} run, the model is from epoch ${best}`],
    ["Training steps", training.seconds === null ? null : duration(training.seconds)],
  ];
}

function showFacts(card) {
  const { kind, height, width, channels } = card.framing;
  const fingerprint = card.data?.fingerprint ? `, fingerprint ${card.data.fingerprint.slice(0, 16)}` : "";
  const run = card.run && element("a", card.run, { href: `../runs/${addressOf(card.run)}` });
  find("facts").replaceChildren(
    factList([
      ["Version", `${card.version} (the beginning of the file's SHA-256)`],
      ["Size", bytes(card.size)],
      ["Made", moment(card.created) ?? NOT_THERE],
      ["Recipe", card.recipe?.name ?? NOT_THERE],
      ["Seed", card.recipe?.seed ?? NOT_THERE],
      ["Network", card.recipe?.network?.name ?? NOT_THERE],
      ["Data", card.data?.name ? card.data.name + fingerprint : NOT_THERE],
      ["Split", card.data?.split_rule ?? null],
      ...trained(card),
      ["Training run", run],
      ["Input", `${height} × ${width} × ${channels} (rows, columns, ${channels === 1 ? "grey" : "colours"}), uint8`],
      ["Framing", `${kind} (${kind === "ink" ? "the ink is found, cropped, centred" : "resized, cut at its centre"})`],
      ["Classes", `${card.class_names.length}: ${card.class_names.join(", ")}`],
      ["Licence", card.licence ?? NOT_THERE],
      ["Author", card.author ?? null],
      ["Limits", `${NOT_THERE}. Whatever it is shown it takes for one of its classes; look at the probability.`],
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

async function look() {
  const { body: card } = await ask(`models/${addressOf(name)}`);
  if (card.version !== version) {
    version = card.version;
    showFacts(card);
    const scores = Object.entries(card.metrics);
    const order = (split) => (split === "test" ? 0 : 1);
    scores.sort(([a], [b]) => order(a) - order(b));
    const none = element("section", "");
    none.append(element("h2", "Score"), element("p", "The file carries no score."));
    const sections = scores.map(([split, score]) => scoreSection(split, score));
    find("scores").replaceChildren(...(sections.length ? sections : [none]));
    find("recipe").replaceChildren(recipeTable(card));
  }
  document.documentElement.dataset.ready = "true";
  return 30_000; // a file that is replaced on disk is another model
}

document.title = `imagewise: model ${name}`;
find("name").textContent = name;
keepLooking(look);
