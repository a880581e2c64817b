// Messages about files, answers and the camera. Each has an owner, which alone takes it away; the newest is shown.

export class Messages {
  /** `place` is the element that shows them. */
  constructor(place) {
    this.place = place;
    this.texts = new Map(); // owner to {text, number}, the newest last
    this.number = 0; // of the latest message
  }

  /** Say something in the name of an owner, in place of what it said before. */
  say(owner, text) {
    this.texts.delete(owner);
    this.texts.set(owner, { text, number: ++this.number });
    this.#show();
  }

  /** Take away what an owner said, unless it is newer than message `number`. */
  clear(owner, number = this.number) {
    if ((this.texts.get(owner)?.number ?? Infinity) > number) return;
    this.texts.delete(owner);
    this.#show();
  }

  #show() {
    const text = [...this.texts.values()].at(-1)?.text ?? "";
    if (this.place.textContent !== text) this.place.textContent = text; // not read out again where it stays
    this.place.hidden = !text;
  }
}
