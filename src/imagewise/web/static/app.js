// The page: what is drawn or chosen goes to the recogniser (recogniser.js), its answers are shown (answer_view.js).

import { AnswerView } from "./answer_view.js";
import { pauseAfter, RefusedError, RetryError } from "./api.js";
import { offerCamera } from "./camera.js";
import { DrawingPad } from "./drawing.js";
import { KeyError, offerKeyField } from "./key.js";
import { Messages } from "./messages.js";
import { showCard } from "./model_card.js";
import { ofCanvas, ofFile } from "./pictures.js";
import { Questions } from "./questions.js";
import { inBrowser, modelNames, openRecogniser } from "./recogniser.js";

const PAUSE = 300; // milliseconds without a change, after which the answer is explained and spoken
const LONGEST_PAUSE = 10_000; // milliseconds between two tries to load the model
const find = (id) => document.getElementById(id);

let recogniser = null;
let shownCard = null;
let changes = 0; // of the picture, by the person
let answered = -1; // `changes` of the picture whose answer is shown
let spoken = -1; // and of the one whose answer was spoken
let offers = 0; // files that were chosen, dropped, pasted or taken by the camera
let timer = 0; // of the explanation

const messages = new Messages(find("problem"));
const view = new AnswerView(find);
const questions = new Questions({ ask, show, waiting, failed });
const pad = new DrawingPad(find("pad"), changed);

function changed(finished) {
  changes++;
  for (const owner of ["file", "camera"]) messages.clear(owner);
  showPad();
  inquire(finished);
}

function showPad() {
  find("stage").classList.toggle("drawn", !pad.isEmpty);
  find("undo").disabled = !pad.canUndo;
  find("clear").disabled = pad.isEmpty;
}

/** Ask about what is on the page now: at once, and once more with an explanation when the pen rests. */
function inquire(finished) {
  clearTimeout(timer);
  if (!recogniser) return;
  if (pad.isEmpty) {
    questions.cancel();
    messages.clear("answer");
    view.showNothing();
    return;
  }
  if (finished) timer = setTimeout(() => questions.request(true), PAUSE);
  questions.request(false);
}

/**
 * The answer: how to show it, for which of the changes, the number of the last message that was there when it was asked
 * for, and whether an explanation is still to come: that may take seconds, and the answer does not wait for it.
 */
async function ask(explain) {
  const [picture, { number }] = [pad.picture ?? ofCanvas(pad.strokesOnPaper()), messages];
  const before = changes;
  const explainLater = explain && answered !== before;
  if (several()) {
    const { fit } = pad;
    const text = await recogniser.readText(picture);
    return { number, before, explainLater: false, show: (speak) => view.showText(text, fit, speak) };
  }
  const prediction = await recogniser.predict(picture, {
    explain: explain && !explainLater,
    isOld: () => changes !== before,
  });
  // Once the pen rests: where one character was looked for and none was seen, there may be several.
  const characters = explain && view.sawNothing(prediction) ? (await recogniser.readText(picture)).characters.length : 0;
  return { number, before, explainLater, show: (speak) => view.showPrediction(prediction, characters, speak) };
}

function show(answer, speak) {
  messages.clear("answer", answer.number);
  if (recogniser.card !== shownCard) showModel();
  if (pad.isEmpty) return; // the model is another one, which takes no strokes
  answer.show(speak && spoken !== answer.before);
  answered = answer.before;
  if (speak) spoken = answer.before;
  if (answer.explainLater && answered === changes) questions.request(true);
}

/** An answer takes long; its explanation may, while the answer is there already. */
function waiting() {
  if (answered !== changes) view.showWaiting();
}

function failed(error) {
  messages.say("answer", error.message);
  if (error instanceof KeyError) offerKeyField(find("problem"));
  view.showFailed();
  answered = -1;
}

function several() {
  return document.querySelector("input[name=count]:checked").value === "several";
}

function showMode() {
  find("one").hidden = several();
  find("box-help").hidden = !several();
}

/** Show a file in place of the drawing, unless something newer was drawn or offered while it was decoded. */
async function take(file) {
  if (!file) return;
  const [offer, before] = [++offers, changes];
  const isNewest = () => offer === offers && before === changes;
  let picture = null;
  try {
    picture = await ofFile(file);
  } catch {
    const name = file.name || "The file";
    if (isNewest()) messages.say("file", `${name} cannot be read as a picture. Choose a PNG, JPEG or WebP file.`);
    return;
  }
  if (isNewest()) pad.show(picture);
}

function listen() {
  find("undo").addEventListener("click", () => pad.undo());
  find("clear").addEventListener("click", () => pad.clear());
  find("choose").addEventListener("click", () => find("file").click());
  find("pad").addEventListener("click", () => !pad.isDrawn && find("file").click());
  find("file").addEventListener("change", (event) => {
    take(event.target.files[0]);
    event.target.value = ""; // so that the same file may be chosen again
  });
  find("how-many").addEventListener("change", () => {
    answered = spoken = -1;
    showMode();
    inquire(true);
  });
  find("read-all").addEventListener("click", () => document.querySelector("input[value=several]").click());
  document.addEventListener("paste", (event) => take([...event.clipboardData.files].find(isPicture)));
  for (const name of ["dragover", "dragleave", "drop"]) {
    document.addEventListener(name, (event) => {
      event.preventDefault();
      find("stage").classList.toggle("over", name === "dragover");
      if (name === "drop") take(event.dataTransfer.files[0]);
    });
  }
  find("which").addEventListener("change", choose);
  offerCamera(find, {
    onOpen: () => messages.clear("camera"),
    onPicture: take,
    onProblem: (text) => messages.say("camera", text),
  });
}

function isPicture(file) {
  return file.type.startsWith("image/");
}

/** Show the model that answers now. */
function showModel() {
  shownCard = recogniser.card;
  const isPhoto = shownCard.framing.kind !== "ink";
  pad.allowStrokes(!isPhoto);
  showPad();
  find("recognise").classList.toggle("pictures-only", isPhoto);
  find("pad-help").hidden = isPhoto;
  find("how-many").hidden = isPhoto;
  if (isPhoto) document.querySelector("input[value=one]").checked = true; // it recognises whole pictures
  showMode();
  find("draw-heading").textContent = isPhoto ? "Drop or upload a picture" : "Draw, or drop a picture";
  find("invitation").textContent = isPhoto ? "Drop a picture here" : "Draw here";
  find("which").value = shownCard.name ?? "";
  view.setModel(shownCard);
  showCard(find("card"), shownCard, inBrowser ? null : `models/${encodeURIComponent(shownCard.name)}`);
}

/** Let the person choose where there are several models. */
async function offerModels() {
  const names = await modelNames();
  find("which").replaceChildren(...names.map((name) => new Option(name)));
  find("which-model").hidden = names.length < 2;
}

/** Open the chosen model in place of the one before. */
async function choose() {
  const query = new URLSearchParams({ model: find("which").value });
  history.replaceState(history.state, "", `${location.pathname}?${query}`);
  find("which").disabled = true; // one at a time
  questions.cancel();
  recogniser = null;
  await begin();
  find("which").disabled = false;
}

/** Open the recogniser, however often that takes. Returns whether there is one. */
async function load() {
  for (let failures = 1; !recogniser; failures++) {
    try {
      if (!find("which").length) await offerModels();
      recogniser = await openRecogniser();
    } catch (error) {
      const [again, locked] = [error instanceof RetryError, error instanceof KeyError];
      const reload = `The model could not be loaded (${error.message}). Reload the page to try again.`;
      messages.say("model", again || locked || error instanceof RefusedError ? error.message : reload);
      if (locked) offerKeyField(find("problem"));
      if (!again) return false;
      await new Promise((go) => setTimeout(go, pauseAfter(failures, error, LONGEST_PAUSE)));
    }
  }
  messages.clear("model");
  return true;
}

async function begin() {
  if (!(await load())) {
    find("card").textContent = find("sure").textContent = "Not loaded.";
    return;
  }
  showModel();
  view.showNothing();
  answered = spoken = -1;
  document.documentElement.dataset.ready = "true";
  inquire(true);
}

listen();
begin();
