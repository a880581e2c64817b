// The drawing area: strokes by pointer, finger or keyboard, undo and clear; or a picture shown in place of strokes. For a
// model of photographs it only shows pictures.

const PEN = 30; // of the canvas's 560 pixels: as wide as MNIST's strokes are of its 28
const STEP = 20;
const RECOGNISED = 256; // pixels: side of what is recognised; framing would reduce it to this anyway
const MOST_STATES = 200; // that undo can go back to
const KEYBOARD = "keyboard";
const PAD = { role: "application", tabindex: "0", "aria-label": "Drawing area", "aria-describedby": "pad-help" };
const PICTURE = { role: "img", tabindex: null, "aria-label": "The picture", "aria-describedby": null };

export class DrawingPad {
  /** `onChange(finished)` is called for each change; `finished` once the pen is up. */
  constructor(canvas, onChange) {
    this.canvas = canvas;
    this.onChange = onChange;
    this.states = [{ strokes: [], picture: null }]; // the last one is shown, undo returns to the one before
    this.pen = null; // while it is down: {by: a pointer's id or KEYBOARD, stroke}
    this.cursor = [canvas.width / 2, canvas.height / 2]; // of the keyboard
    this.cursorShown = false;
    this.isDrawn = true; // strokes can be drawn
    canvas.addEventListener("pointerdown", (event) => this.#start(event));
    canvas.addEventListener("pointermove", (event) => this.#move(event));
    for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, (event) => this.#end(event));
    canvas.addEventListener("keydown", (event) => this.#key(event));
    canvas.addEventListener("blur", () => this.#leave());
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
    this.draw();
  }

  get strokes() {
    return this.states.at(-1).strokes;
  }

  /** The picture shown in place of strokes, one of pictures.js, or null. */
  get picture() {
    return this.states.at(-1).picture;
  }

  get isEmpty() {
    return !this.strokes.length && !this.picture;
  }

  get canUndo() {
    return this.states.length > 1;
  }

  /** Allow strokes, or else show pictures only: those drawn before are forgotten. */
  allowStrokes(allowed) {
    if (allowed === this.isDrawn) return;
    this.isDrawn = allowed;
    this.pen = null;
    this.cursorShown = false;
    if (!allowed) this.states = this.states.filter(({ strokes }) => !strokes.length);
    const attributes = allowed ? PAD : PICTURE;
    for (const [name, value] of Object.entries(attributes)) {
      if (value === null) this.canvas.removeAttribute(name);
      else this.canvas.setAttribute(name, value);
    }
    this.draw();
  }

  // Each of these ends the stroke under way: what the pen still does is no longer part of it.

  undo() {
    this.pen = null;
    if (!this.canUndo) return;
    this.states.pop();
    this.#changed(true);
  }

  clear() {
    this.pen = null;
    if (this.isEmpty) return;
    this.#add({ strokes: [], picture: null });
    this.#changed(true);
  }

  /** Show a picture, one of pictures.js, in place of strokes. */
  show(picture) {
    this.pen = null;
    this.#add({ strokes: [], picture });
    this.#changed(true);
  }

  /** Place of what is recognised on the canvas: [left, top, scale]. */
  get fit() {
    const { width, height } = this.canvas;
    if (!this.picture) return [0, 0, width / RECOGNISED];
    const shown = this.picture.bitmap;
    const scale = Math.min(width / shown.width, height / shown.height);
    return [(width - shown.width * scale) / 2, (height - shown.height * scale) / 2, scale];
  }

  /** The strokes on paper, without the keyboard's cursor: what is recognised. */
  strokesOnPaper() {
    const copy = new OffscreenCanvas(RECOGNISED, RECOGNISED);
    const context = copy.getContext("2d", { willReadFrequently: true });
    context.scale(RECOGNISED / this.canvas.width, RECOGNISED / this.canvas.height);
    this.#paint(context);
    return copy;
  }

  draw() {
    const context = this.canvas.getContext("2d");
    this.#paint(context);
    if (!this.cursorShown) return;
    context.lineWidth = 3;
    context.strokeStyle = this.#isDown(KEYBOARD) ? "#d55e00" : "#0072b2";
    context.beginPath();
    context.arc(...this.cursor, PEN / 2 + 3, 0, 2 * Math.PI);
    context.stroke();
  }

  #paint(context) {
    const style = getComputedStyle(this.canvas);
    context.fillStyle = style.getPropertyValue("--paper");
    context.fillRect(0, 0, this.canvas.width, this.canvas.height);
    if (this.picture) {
      const [left, top, scale] = this.fit;
      const { bitmap } = this.picture;
      context.drawImage(bitmap, left, top, bitmap.width * scale, bitmap.height * scale);
    }
    context.strokeStyle = style.getPropertyValue("--ink");
    context.lineCap = context.lineJoin = "round";
    context.lineWidth = PEN;
    for (const stroke of this.strokes) {
      context.beginPath();
      context.moveTo(...stroke[0]);
      for (const point of stroke.slice(1)) context.lineTo(...point);
      if (stroke.length === 1) context.lineTo(stroke[0][0] + 0.1, stroke[0][1]);
      context.stroke();
    }
  }

  #add(state) {
    this.states.push(state);
    if (this.states.length > MOST_STATES) this.states.shift();
  }

  #changed(finished) {
    this.draw();
    this.onChange(finished);
  }

  #isDown(by) {
    return this.pen?.by === by;
  }

  #begin(by, point) {
    this.pen = { by, stroke: [point] };
    this.#add({ strokes: [...this.strokes, this.pen.stroke], picture: null });
    this.#changed(false);
  }

  #lift() {
    this.pen = null;
    this.#changed(true);
  }

  #start(event) {
    const otherFinger = this.pen && ![KEYBOARD, event.pointerId].includes(this.pen.by);
    if (!this.isDrawn || event.button !== 0 || otherFinger) return;
    this.canvas.setPointerCapture(event.pointerId);
    this.cursorShown = false;
    this.#begin(event.pointerId, this.#place(event));
  }

  #move(event) {
    if (!this.#isDown(event.pointerId)) return;
    const between = event.getCoalescedEvents?.() ?? [];
    this.pen.stroke.push(...(between.length ? between : [event]).map((each) => this.#place(each)));
    this.#changed(false);
  }

  #end(event) {
    if (this.#isDown(event.pointerId)) this.#lift();
  }

  #leave() {
    this.cursorShown = false;
    if (this.#isDown(KEYBOARD)) this.#lift();
    else this.draw();
  }

  #place(event) {
    const box = this.canvas.getBoundingClientRect();
    const across = this.canvas.width / box.width;
    return [(event.clientX - box.left) * across, (event.clientY - box.top) * across];
  }

  #key(event) {
    if (!this.isDrawn) return;
    const towards = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (towards) this.#step(towards, event.shiftKey ? STEP / 4 : STEP);
    else if (event.key === " ") this.#pressSpace();
    else if (event.key === "Delete" || event.key === "Backspace") this.clear();
    else if (event.key === "z" && (event.ctrlKey || event.metaKey)) this.undo();
    else return;
    event.preventDefault();
  }

  #step(towards, step) {
    const sides = [this.canvas.width, this.canvas.height];
    this.cursor = this.cursor.map((at, i) => Math.min(Math.max(at + towards[i] * step, 0), sides[i]));
    this.cursorShown = true;
    if (!this.#isDown(KEYBOARD)) return this.draw();
    this.pen.stroke.push(this.cursor);
    return this.#changed(false);
  }

  #pressSpace() {
    this.cursorShown = true;
    if (this.#isDown(KEYBOARD)) this.#lift();
    else this.#begin(KEYBOARD, this.cursor);
  }
}
