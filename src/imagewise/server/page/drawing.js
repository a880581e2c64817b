// The drawing area: strokes by pointer, finger or keyboard, undo and clear; or a picture shown in their place.

const PEN = 30; // of the canvas's 560 pixels: as wide as MNIST's strokes are of its 28
const STEP = 20;
const RECOGNISED = 256; // pixels: a side of what is recognised, to which framing would reduce it anyway

export class DrawingPad {
  /** `onChange(finished)` is called for each change; `finished` once the pen is up. */
  constructor(canvas, onChange) {
    this.canvas = canvas;
    this.onChange = onChange;
    this.strokes = [];
    this.picture = null;
    this.cursor = [canvas.width / 2, canvas.height / 2];
    this.penDown = false;
    this.cursorShown = false;
    this.pointer = null;
    canvas.addEventListener("pointerdown", (event) => this.#start(event));
    canvas.addEventListener("pointermove", (event) => this.#move(event));
    for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, (event) => this.#end(event));
    canvas.addEventListener("keydown", (event) => this.#key(event));
    canvas.addEventListener("blur", () => {
      this.penDown = this.cursorShown = false;
      this.draw();
    });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
    this.draw();
  }

  get isEmpty() {
    return !this.strokes.length && !this.picture;
  }

  undo() {
    if (this.picture) this.picture = null;
    else this.strokes.pop();
    this.#changed(true);
  }

  clear() {
    this.strokes = [];
    this.picture = null;
    this.penDown = false;
    this.#changed(true);
  }

  /** Show a picture (an ImageBitmap) in place of strokes. */
  show(picture) {
    this.strokes = [];
    this.picture = picture;
    this.#changed(true);
  }

  /** Where what is recognised lies on the canvas: [left, top, scale]. */
  get fit() {
    if (!this.picture) return [0, 0, this.canvas.width / RECOGNISED];
    const { width, height } = this.canvas;
    const scale = Math.min(width / this.picture.width, height / this.picture.height);
    return [(width - this.picture.width * scale) / 2, (height - this.picture.height * scale) / 2, scale];
  }

  /** The strokes alone on paper, without the keyboard's cursor: what is recognised. */
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
    context.strokeStyle = this.penDown ? "#d55e00" : "#0072b2";
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
      context.drawImage(this.picture, left, top, this.picture.width * scale, this.picture.height * scale);
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

  #changed(finished) {
    this.draw();
    this.onChange(finished);
  }

  #begin(point) {
    this.picture = null;
    this.strokes.push([point]);
  }

  #start(event) {
    if (event.button !== 0 || this.pointer !== null) return;
    this.pointer = event.pointerId;
    this.canvas.setPointerCapture(event.pointerId);
    this.cursorShown = this.penDown = false;
    this.#begin(this.#place(event));
    this.#changed(false);
  }

  #move(event) {
    if (event.pointerId !== this.pointer) return;
    const between = event.getCoalescedEvents?.() ?? [];
    this.strokes.at(-1).push(...(between.length ? between : [event]).map((each) => this.#place(each)));
    this.#changed(false);
  }

  #end(event) {
    if (event.pointerId !== this.pointer) return;
    this.pointer = null;
    this.#changed(true);
  }

  #place(event) {
    const box = this.canvas.getBoundingClientRect();
    const across = this.canvas.width / box.width;
    return [(event.clientX - box.left) * across, (event.clientY - box.top) * across];
  }

  #key(event) {
    const towards = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (towards) {
      const step = event.shiftKey ? STEP / 4 : STEP;
      const sides = [this.canvas.width, this.canvas.height];
      this.cursor = this.cursor.map((at, i) => Math.min(Math.max(at + towards[i] * step, 0), sides[i]));
      this.cursorShown = true;
      if (this.penDown) this.strokes.at(-1).push(this.cursor);
      this.penDown ? this.#changed(false) : this.draw();
    } else if (event.key === " ") {
      this.penDown = !this.penDown;
      this.cursorShown = true;
      if (this.penDown) this.#begin(this.cursor);
      this.#changed(!this.penDown);
    } else if (event.key === "Delete" || event.key === "Backspace") {
      this.clear();
    } else if (event.key === "z" && (event.ctrlKey || event.metaKey)) {
      this.penDown = false;
      this.undo();
    } else {
      return;
    }
    event.preventDefault();
  }
}
