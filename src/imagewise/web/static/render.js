// Answers made visible: bars, what the network saw and what mattered to it, boxes around characters.

import { percent } from "./format.js";

export const SURE = 0.9;
const UNSURE = 0.5;
const LIKELY = 0.1; // of another class: below it, naming the class would mislead
const LARGE = 112; // pixels: smaller pictures are enlarged, and their pixels stay visible
const COLOURS = ["#0072b2", "#d55e00"]; // of Okabe and Ito 2008, told apart by everybody: sure, unsure

/** {headline, sure, unsure}: an answer in words; `classes` has the best one first. */
export function inWords(classes) {
  const [best, second, third] = classes;
  if (best.probability >= SURE) {
    return { headline: best.label, sure: `Sure: ${percent(best.probability)}.`, unsure: false };
  }
  if (best.probability >= UNSURE) {
    const rest = second?.probability >= LIKELY ? `, maybe ${second.label}` : `: ${percent(best.probability)}`;
    return { headline: `${best.label}?`, sure: `Probably ${best.label}${rest}.`, unsure: true };
  }
  const likely = [best, second, third].filter((each) => each?.probability >= LIKELY).map((each) => each.label);
  const closest = `The closest is ${best.label}: ${percent(best.probability)}. It may be none of the classes.`;
  const sure = likely.length > 1 ? `: ${likely.slice(0, -1).join(", ")} or ${likely.at(-1)}?` : `. ${closest}`;
  return { headline: "?", sure: `Can't tell${sure}`, unsure: true };
}

/** {data, height, width, channels} onto a canvas of that size; nothing if null. */
export function showPixels(canvas, picture) {
  const context = canvas.getContext("2d");
  if (!picture) return context.clearRect(0, 0, canvas.width, canvas.height);
  const { data, height, width, channels } = picture;
  [canvas.width, canvas.height] = [width, height];
  canvas.classList.toggle("large", Math.max(width, height) > LARGE);
  const image = context.createImageData(width, height);
  for (let i = 0; i < width * height; i++) {
    for (let c = 0; c < 3; c++) image.data[i * 4 + c] = data[i * channels + (channels < 3 ? 0 : c)];
    image.data[i * 4 + 3] = 255;
  }
  return context.putImageData(image, 0, 0);
}

/** Whether the network saw nothing but background: {data, height, width, channels} of an ink framing, all black. */
export function isBlank({ data, channels }) {
  return data.every((level, i) => level === 0 || (channels === 4 && i % 4 === 3));
}

/** What was seen, dimmed, and on it in colour the places that change the answer most when they are covered. */
export function showOcclusion(canvas, seen, occlusion) {
  showPixels(canvas, seen);
  if (!seen || !occlusion) return;
  const context = canvas.getContext("2d");
  context.fillStyle = "rgb(0 0 0 / 45%)";
  context.fillRect(0, 0, canvas.width, canvas.height);
  const most = Math.max(...occlusion.flat(), 1e-6);
  const [high, wide] = [canvas.height / occlusion.length, canvas.width / occlusion[0].length];
  occlusion.forEach((row, y) =>
    row.forEach((drop, x) => {
      context.fillStyle = `rgb(255 176 0 / ${Math.round((70 * Math.max(0, drop)) / most)}%)`;
      context.fillRect(Math.floor(x * wide), Math.floor(y * high), Math.ceil(wide), Math.ceil(high));
    }),
  );
}

/** A box and a label around each character; [left, top, scale] is the place of the picture on the canvas. */
export function showBoxes(canvas, characters, [left, top, scale]) {
  const context = canvas.getContext("2d");
  context.clearRect(0, 0, canvas.width, canvas.height);
  context.lineWidth = 4;
  context.font = "bold 26px system-ui, sans-serif";
  context.textBaseline = "top";
  for (const { box, label, probability } of characters) {
    const [x, y] = [left + box.left * scale, top + box.top * scale];
    context.fillStyle = context.strokeStyle = COLOURS[Number(probability < SURE)];
    context.strokeRect(x - 3, y - 3, box.width * scale + 6, box.height * scale + 6);
    const wide = context.measureText(label).width + 12;
    const above = Math.max(0, y - 34);
    context.fillRect(x - 5, above, wide, 32);
    context.fillStyle = "#fff";
    context.fillText(label, x + 1, above + 4);
  }
}
