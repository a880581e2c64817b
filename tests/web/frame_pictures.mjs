// node frame_pictures.mjs FRAMING.JS SEGMENTATION.JS: pictures on standard input, framed ones on standard output.
// Each picture: one line of JSON {height, width, channels, framing[, segment]}, then its bytes. Each answer: a line of
// JSON {length[, boxes]}, then its bytes.
import { pathToFileURL } from "node:url";
import { readFileSync, writeSync } from "node:fs";

const { frame } = await import(pathToFileURL(process.argv[2]));
const { segment } = await import(pathToFileURL(process.argv[3]));
const input = readFileSync(0);
const output = [];
for (let start = 0; start < input.length; ) {
  const end = input.indexOf(10, start);
  const header = JSON.parse(input.toString("utf8", start, end));
  const length = header.height * header.width * header.channels;
  const picture = { ...header, data: new Uint8ClampedArray(input.subarray(end + 1, end + 1 + length)) };
  start = end + 1 + length;
  if (header.segment) {
    const found = segment(picture, header.framing.height, header.framing.width);
    const parts = found.map((character) => Buffer.from(character.framed));
    const boxes = found.map(({ box, line, startsWord }) => [box.left, box.top, box.width, box.height, line, startsWord]);
    output.push(Buffer.from(JSON.stringify({ length: Buffer.concat(parts).length, boxes }) + "\n"), ...parts);
  } else {
    const framed = frame(picture, header.framing);
    output.push(Buffer.from(JSON.stringify({ length: framed.length }) + "\n"), Buffer.from(framed));
  }
}
let all = Buffer.concat(output);
while (all.length) all = all.subarray(writeSync(1, all));
