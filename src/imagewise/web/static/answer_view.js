// The answer on the page: headline, bars, what the network saw, boxes; and whether it is old, or on its way.

import { Bars } from "./bars.js";
import { inWords, isBlank, showBoxes, showOcclusion, showPixels, SURE } from "./render.js";

const NONE = "–";
const NOTHING_FOUND = "Nothing found in the picture.";
const UNPLACED = [0, 0, 1];

export class AnswerView {
  /** `find` returns the element of an id. */
  constructor(find) {
    this.find = find;
    this.place = find("answer").closest(".answer");
    this.bars = new Bars(find("bars"), find("rest"));
  }

  /** Make room for the classes of a model, by its card. */
  setModel(card) {
    this.framing = card.framing.kind;
    const digits = card.class_names.every((name) => /^\d$/.test(name));
    this.invitation = `Draw a ${digits ? "digit" : "character"} to see the answer.`;
    if (this.framing !== "ink") this.invitation = "Upload or drop a picture to see the answer.";
    this.bars.setClasses(card.class_names);
  }

  showNothing() {
    this.#say(NONE, this.invitation, false);
    this.#clear();
  }

  /** Whether the network saw nothing of the picture that a prediction is about. */
  sawNothing({ seen }) {
    return this.framing === "ink" && seen !== null && isBlank(seen);
  }

  /** Show a prediction of one thing; `characters` is how many stand in the picture, if the network saw none. */
  showPrediction({ classes, seen, occlusion }, characters, speak) {
    if (this.sawNothing({ seen })) return this.#showNothingFound(seen, characters, speak);
    const { headline, sure, unsure } = inWords(classes);
    this.#say(headline, sure, unsure, speak);
    this.bars.show(classes);
    showBoxes(this.find("marks"), [], UNPLACED);
    if (seen) showPixels(this.find("seen"), seen);
    this.find("seen").setAttribute("aria-label", "What the network sees of the picture, enlarged");
    showOcclusion(this.find("looked"), seen, occlusion); // the places are not known until the pen rests
    const which = occlusion ? `for ${classes[0].label}: the orange areas` : "is not known yet";
    this.find("looked").setAttribute("aria-label", `What mattered ${which}`);
  }

  /** Show a text of several characters; `fit` is the place of the picture on the drawing area: [left, top, scale]. */
  showText({ text, characters }, fit, speak) {
    if (!characters.length) return this.#showNothingFound(null, 0, speak);
    const doubtful = characters.filter((character) => character.probability < SURE).map(({ label }) => label);
    const found = `${characters.length} found${doubtful.length ? `; unsure of ${doubtful.join(", ")}` : ""}.`;
    this.#say(text, found, doubtful.length > 0, speak);
    showBoxes(this.find("marks"), characters, fit);
  }

  /** The answer is on its way: what is shown belongs to an earlier picture. */
  showWaiting() {
    this.#mark(true, true);
    this.find("sure").textContent = "Recognising …";
  }

  /** There is no answer: what is shown belongs to an earlier picture. */
  showFailed() {
    this.#mark(true, false);
    this.find("sure").textContent = "No answer yet.";
  }

  #showNothingFound(seen, characters, speak) {
    const several = characters > 1;
    this.#say(NONE, several ? `This looks like ${characters} characters, not one.` : NOTHING_FOUND, true, speak);
    this.find("read-all").hidden = !several;
    this.#clear();
    showPixels(this.find("seen"), seen);
  }

  #clear() {
    this.bars.show([]);
    showBoxes(this.find("marks"), [], UNPLACED);
    for (const id of ["seen", "looked"]) showPixels(this.find(id), null);
  }

  #say(headline, sure, unsure, speak = false) {
    this.#mark(false, false);
    this.find("read-all").hidden = true;
    this.find("answer").textContent = headline;
    this.find("answer").classList.toggle("long", headline.length > 6);
    this.find("sure").textContent = sure;
    this.place.classList.toggle("unsure", unsure);
    if (speak) this.find("spoken").textContent = `${headline.replace("?", "")} ${sure}`;
  }

  #mark(old, busy) {
    this.place.classList.toggle("old", old);
    this.place.setAttribute("aria-busy", String(busy));
  }
}
