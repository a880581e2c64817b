// The recogniser behind the page's own server, by its HTTP API.

import { KeyError, keyHeaders } from "./key.js";

export class ServerRecogniser {
  static async open() {
    return new ServerRecogniser(await json(await fetch("model", { headers: keyHeaders() })));
  }

  constructor(card) {
    this.card = card;
  }

  async recognise(picture, { explain = false } = {}) {
    const query = new URLSearchParams({ top: this.card.class_names.length, explain: explain ? "occlusion" : "input" });
    const answer = await json(await fetch(`predict?${query}`, await post(picture)));
    const seen = answer.explain?.seen ? await pixelsOf(answer.explain.seen) : null;
    return { classes: answer.top, seen, occlusion: answer.explain?.occlusion ?? null };
  }

  async read(picture) {
    return json(await fetch("segment", await post(picture)));
  }
}

async function post(picture) {
  const body = await picture.file();
  return { method: "POST", body, headers: { ...keyHeaders(), "Content-Type": body.type || "application/octet-stream" } };
}

async function json(response) {
  if (response.status === 401) throw new KeyError();
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(answer.detail || answer.title || `The server answered ${response.status}.`);
  return answer;
}

/** A data URL's picture. It is not fetched, which the page's content security policy would refuse. */
async function pixelsOf(url) {
  const bytes = Uint8Array.from(atob(url.slice(url.indexOf(",") + 1)), (character) => character.charCodeAt(0));
  const bitmap = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
  const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d");
  context.drawImage(bitmap, 0, 0);
  return { ...pick(bitmap), data: context.getImageData(0, 0, bitmap.width, bitmap.height).data, channels: 4 };
}

function pick({ width, height }) {
  return { width, height };
}
