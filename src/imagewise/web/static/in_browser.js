// The recogniser that needs no server: framing.js and onnxruntime-web. `imagewise export --to web` puts the files there.

import { checkVersion, frame, spread } from "./framing.js";
import * as ort from "./onnxruntime/ort.wasm.min.mjs";
import { segment } from "./segmentation.js";

const FINEST = 4; // pixels of the network's input that are hidden at a time, at least
const FINE_UP_TO = 112; // pixels of the longer side: of larger pictures, fewer places are hidden
const BATCH = 16; // patches a run of small pictures, so that the page goes on meanwhile
const LARGEST_BATCH = 50_000; // pixels: one picture of a pretrained network takes a tenth of a second

export class BrowserRecogniser {
  static async open() {
    ort.env.wasm.numThreads = 1; // threads need headers that plain web space does not send
    const answers = await Promise.all(["card.json", "model.onnx"].map((name) => fetch(name)));
    for (const answer of answers) if (!answer.ok) throw new Error(`${answer.url}: ${answer.status}`);
    const [card, model] = [await answers[0].json(), new Uint8Array(await answers[1].arrayBuffer())];
    checkVersion(card.framing);
    return new BrowserRecogniser(card, await ort.InferenceSession.create(model));
  }

  constructor(card, session) {
    this.card = card;
    this.session = session;
    this.tail = Promise.resolve(); // of the batches; a session runs one at a time
  }

  async predict(picture, { explain = false, isOld = () => false } = {}) {
    const seen = frame(picture.pixels(), this.card.framing);
    const [probabilities] = await this.#run([seen]);
    const classes = ranked(this.card.class_names, probabilities);
    const occlusion = explain ? await this.#occlusion(seen, probabilities, isOld) : null;
    return { classes, seen: { data: seen, ...this.card.framing }, occlusion };
  }

  async readText(picture) {
    const { height, width, channels } = this.card.framing;
    const found = segment(picture.pixels(), height, width);
    const rows = await this.#run(found.map((character) => spread(character.framed, channels)));
    let [text, line] = ["", 0];
    const characters = found.map((character, i) => {
      const [best] = ranked(this.card.class_names, rows[i]);
      text += "\n".repeat(character.line - line) || (character.startsWord && text ? " " : "");
      text += best.label;
      line = character.line;
      return { box: character.box, ...best };
    });
    return { text, characters };
  }

  /** Probabilities, a row for each framed picture. */
  #run(pictures) {
    const result = this.tail.then(async () => {
      if (!pictures.length) return [];
      const { height, width, channels } = this.card.framing;
      const all = new Uint8Array(pictures.length * pictures[0].length);
      pictures.forEach((picture, i) => all.set(picture, i * picture.length));
      const input = new ort.Tensor("uint8", all, [pictures.length, height, width, channels]);
      const { data } = (await this.session.run({ pictures: input }, ["probabilities"])).probabilities;
      const classes = data.length / pictures.length;
      return pictures.map((_, i) => data.slice(i * classes, (i + 1) * classes));
    });
    this.tail = result.catch(() => {});
    return result;
  }

  /**
   * How much of the best class's probability goes when each patch takes the ground's level (Zeiler and Fergus 2014);
   * null once the picture is old: the next one should not wait.
   */
  async #occlusion(seen, probabilities, isOld) {
    const { height, width, channels, kind } = this.card.framing;
    const ground = kind === "ink" ? 0 : 128;
    const best = probabilities.indexOf(Math.max(...probabilities));
    const side = Math.max(height, width);
    const patch = Math.max(FINEST, Math.ceil(side / (side <= FINE_UP_TO ? 14 : 7))); // as occlusion.py has it
    const [rows, columns] = [Math.ceil(height / patch), Math.ceil(width / patch)];
    const hidden = Array.from({ length: rows * columns }, (_, i) => {
      const [top, left] = [Math.floor(i / columns) * patch, (i % columns) * patch];
      const copy = seen.slice();
      for (let y = top; y < Math.min(height, top + patch); y++) {
        copy.fill(ground, (y * width + left) * channels, (y * width + Math.min(width, left + patch)) * channels);
      }
      return copy;
    });
    const drops = [];
    const batch = Math.min(BATCH, Math.max(1, Math.floor(LARGEST_BATCH / (height * width))));
    for (let start = 0; start < hidden.length; start += batch) {
      await new Promise((go) => setTimeout(go)); // the page's own turn
      if (isOld()) return null;
      const answers = await this.#run(hidden.slice(start, start + batch));
      drops.push(...answers.map((row) => Math.max(0, probabilities[best] - row[best])));
    }
    return Array.from({ length: rows }, (_, row) => drops.slice(row * columns, (row + 1) * columns));
  }
}

function ranked(names, probabilities) {
  const classes = names.map((label, i) => ({ label, probability: probabilities[i] }));
  return classes.sort((a, b) => b.probability - a.probability);
}
