// The recogniser behind the page's own server, by its HTTP API; of several models the one that the page's address names.

import { RetryError, request } from "./api.js";

export class ServerRecogniser {
  static async open() {
    const name = new URLSearchParams(location.search).get("model");
    return new ServerRecogniser(name, await cardOf(name));
  }

  constructor(name, card) {
    this.name = name; // null: the server's first one
    this.card = card;
  }

  async predict(picture, { explain = false } = {}) {
    const answer = await this.#ask(picture, (card) => {
      const query = { top: card.class_names.length, explain: explain ? "occlusion" : "input" };
      return ["predict", query];
    });
    const seen = answer.explain?.seen ? await pixelsOf(answer.explain.seen) : null;
    return { classes: answer.top, seen, occlusion: answer.explain?.occlusion ?? null };
  }

  async readText(picture) {
    return this.#ask(picture, () => ["segment", {}]);
  }

  /** An answer of the model whose card this is. If the file was replaced, the new card is fetched and it is asked again. */
  async #ask(picture, pathFor) {
    const body = await picture.file();
    const headers = { "Content-Type": body.type || "application/octet-stream" };
    for (let tries = 0; tries < 2; tries++) {
      const { answer } = await request(pathOf(this.name, ...pathFor(this.card)), { method: "POST", body, headers });
      if (answer.version === this.card.version) return answer;
      this.card = await cardOf(this.name);
    }
    throw new RetryError("The model is being replaced. Retrying …"); // some workers have the old one still
  }
}

/** Names of the models that the server has. */
export async function modelNames() {
  return (await request("api/models")).answer.models.map(({ name }) => name);
}

async function cardOf(name) {
  return (await request(pathOf(name, "model"))).answer;
}

function pathOf(name, path, query = {}) {
  const all = new URLSearchParams(name ? { ...query, model: name } : query).toString();
  return all ? `${path}?${all}` : path;
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
