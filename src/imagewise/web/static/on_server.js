// The recogniser behind the page's own server, by its HTTP API.

import { RetryError, request } from "./api.js";

export class ServerRecogniser {
  static async open() {
    return new ServerRecogniser(await cardOf());
  }

  constructor(card) {
    this.card = card;
  }

  async predict(picture, { explain = false } = {}) {
    const answer = await this.#ask(picture, (card) => {
      const query = { top: card.class_names.length, explain: explain ? "occlusion" : "input" };
      return `predict?${new URLSearchParams(query)}`;
    });
    const seen = answer.explain?.seen ? await pixelsOf(answer.explain.seen) : null;
    return { classes: answer.top, seen, occlusion: answer.explain?.occlusion ?? null };
  }

  async readText(picture) {
    return this.#ask(picture, () => "segment");
  }

  /** An answer of the model whose card this is. If the file was replaced, the new card is fetched and it is asked again. */
  async #ask(picture, pathFor) {
    const body = await picture.file();
    const headers = { "Content-Type": body.type || "application/octet-stream" };
    for (let tries = 0; tries < 2; tries++) {
      const { answer } = await request(pathFor(this.card), { method: "POST", body, headers });
      if (answer.version === this.card.version) return answer;
      this.card = await cardOf();
    }
    throw new RetryError("The model is being replaced. Retrying …"); // some workers have the old one still
  }
}

async function cardOf() {
  return (await request("model")).answer;
}

/** A data URL's picture. It is not fetched, which the page's content security policy would refuse. */
async function pixelsOf(url) {
  const bytes = Uint8Array.from(atob(url.slice(url.indexOf(",") + 1)), (character) => character.charCodeAt(0));
  const bitmap = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
  const { height, width } = bitmap;
  const context = new OffscreenCanvas(width, height).getContext("2d");
  context.drawImage(bitmap, 0, 0);
  return { data: context.getImageData(0, 0, width, height).data, height, width, channels: 4 };
}
