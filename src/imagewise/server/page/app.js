// The page: what is drawn or chosen goes to the recogniser (recogniser.js), its answers are shown (showing.js).

import { offerCamera } from "./camera.js";
import { DrawingPad } from "./drawing.js";
import { showCard } from "./model_card.js";
import { ofCanvas, ofFile } from "./pictures.js";
import { openRecogniser } from "./recogniser.js";
import { inWords, makeBars, showBars, showBoxes, showLooked, showPixels } from "./showing.js";

const PAUSE = 300; // milliseconds without a change, after which it is explained and spoken
const find = (id) => document.getElementById(id);

let recogniser = null;
let chosen = null; // the picture shown in place of strokes
let busy = false;
let again = false;
let changes = 0;
let timer = 0;

const pad = new DrawingPad(find("pad"), (finished) => {
  if (!pad.picture) chosen = null;
  changed(finished);
});

function changed(finished) {
  changes++;
  find("stage").classList.toggle("drawn", !pad.isEmpty);
  find("undo").disabled = find("clear").disabled = pad.isEmpty;
  clearTimeout(timer);
  if (finished) timer = setTimeout(() => update(true), PAUSE);
  update(false);
}

/** One question at a time; what was drawn meanwhile is asked next. */
async function update(explain) {
  if (!recogniser) return;
  if (busy) {
    again = explain || again === "explain" ? "explain" : "answer";
    return;
  }
  busy = true;
  try {
    await answer(explain);
    find("problem").hidden = true;
  } catch (error) {
    problem(error.message);
  } finally {
    busy = false;
  }
  const next = again;
  again = false;
  if (next) update(next === "explain");
}

async function answer(explain) {
  find("one").hidden = several();
  find("box-help").hidden = !several();
  if (pad.isEmpty) return showNothing();
  const asked = changes;
  const picture = chosen ?? ofCanvas(pad.strokesOnPaper());
  if (several()) return showReading(await recogniser.read(picture), explain);
  const { classes, seen, occlusion } = await recogniser.recognise(picture, { explain });
  if (asked !== changes && pad.isEmpty) return showNothing();
  const said = inWords(classes);
  say(said.headline, said.sure, said.unsure, explain);
  showBars(find("bars"), classes);
  showBoxes(find("marks"), [], [0, 0, 1]);
  if (seen) showPixels(find("seen"), seen);
  find("seen").setAttribute("aria-label", "What the network sees of the picture, enlarged");
  showLooked(find("looked"), seen, occlusion); // without the places till the pen rests
  const where = occlusion ? `for ${classes[0].label}: the places that matter most` : "is not known yet";
  find("looked").setAttribute("aria-label", `Where it looks ${where}`);
  return undefined;
}

function several() {
  return document.querySelector("input[name=count]:checked").value === "several";
}

function showReading({ text, characters }, speak) {
  const doubtful = characters.filter((character) => character.probability < 0.9);
  const sure = characters.length
    ? `${characters.length} found${doubtful.length ? `; unsure of ${doubtful.map((c) => c.label).join(", ")}` : ""}.`
    : "No characters found.";
  say(text || "–", sure, doubtful.length > 0 || !characters.length, speak);
  showBoxes(find("marks"), characters, fitOf());
}

/** Boxes are in the pixels of the file, the canvas shows what was decoded of it. */
function fitOf() {
  const [left, top, scale] = pad.fit;
  return [left, top, chosen ? (scale * chosen.bitmap.width) / chosen.width : scale];
}

function showNothing() {
  say("–", "Nothing to recognise yet.", false, false);
  showBars(find("bars"), []);
  showBoxes(find("marks"), [], [0, 0, 1]);
  showPixels(find("seen"), null);
  showPixels(find("looked"), null);
}

function say(headline, sure, unsure, speak) {
  find("answer").textContent = headline;
  find("answer").classList.toggle("long", headline.length > 6);
  find("sure").textContent = sure;
  document.querySelector(".answer").classList.toggle("unsure", unsure);
  if (speak) find("spoken").textContent = `${headline.replace("?", "")} ${sure}`;
}

function problem(text) {
  find("problem").textContent = text;
  find("problem").hidden = false;
}

async function take(file) {
  if (!file) return;
  try {
    chosen = await ofFile(file);
  } catch {
    problem(`${file.name || "That"} cannot be read as a picture. Choose a PNG, JPEG or WebP file.`);
    return;
  }
  find("problem").hidden = true;
  pad.show(chosen.bitmap);
}

function listen() {
  find("undo").addEventListener("click", () => pad.undo());
  find("clear").addEventListener("click", () => pad.clear());
  find("choose").addEventListener("click", () => find("file").click());
  find("file").addEventListener("change", (event) => {
    take(event.target.files[0]);
    event.target.value = ""; // so that the same file may be chosen again
  });
  find("how-many").addEventListener("change", () => changed(true));
  document.addEventListener("paste", (event) => take([...event.clipboardData.files].find(isPicture)));
  for (const name of ["dragover", "dragleave", "drop"]) {
    document.addEventListener(name, (event) => {
      event.preventDefault();
      find("stage").classList.toggle("over", name === "dragover");
      if (name === "drop") take(event.dataTransfer.files[0]);
    });
  }
  offerCamera(find, take, problem);
}

function isPicture(file) {
  return file.type.startsWith("image/");
}

async function start() {
  listen();
  try {
    recogniser = await openRecogniser();
  } catch (error) {
    const reload = `The model could not be loaded (${error.message}). Reload the page to try again.`;
    problem(error.name === "KeyError" ? error.message : reload);
    find("card").textContent = "Not loaded.";
    return;
  }
  const { card } = recogniser;
  find("how-many").hidden = card.framing.kind !== "ink";
  find("where").textContent =
    document.documentElement.dataset.answers === "browser"
      ? "Pictures never leave this browser."
      : "Pictures go to the server that this page came from, which keeps none.";
  makeBars(find("bars"), card.class_names);
  showCard(find("card"), card);
  document.documentElement.dataset.ready = "true";
  update(true);
}

start();
