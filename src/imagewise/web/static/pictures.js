// Pictures of any origin, for either recogniser: a file for the server, decoded pixels for the browser.

const LONGEST = 4096; // pixels of a decoded side: phones' canvases end soon after
const SENT_AS_THEY_ARE = ["image/png", "image/jpeg", "image/webp", "image/gif", "image/bmp"]; // every server reads them

/** Strokes, drawn on a canvas. */
export function ofCanvas(canvas) {
  const { width, height } = canvas;
  return {
    file: () => canvas.convertToBlob({ type: "image/png" }),
    pixels: () => pixelsOf(canvas),
    width,
    height,
  };
}

/** A file that was chosen, dropped, pasted or taken by the camera. Throws if it is not a picture. */
export async function ofFile(file) {
  const whole = await createImageBitmap(file, { imageOrientation: "from-image" });
  const scale = Math.min(1, LONGEST / Math.max(whole.width, whole.height));
  const bitmap = scale < 1 ? await createImageBitmap(whole, { resizeWidth: Math.round(whole.width * scale) }) : whole;
  const onCanvas = () => {
    const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
    canvas.getContext("2d", { willReadFrequently: true }).drawImage(bitmap, 0, 0);
    return canvas;
  };
  let shown = null; // what is shown as a file, made once
  const encoded = () => (shown ??= onCanvas().convertToBlob({ type: "image/webp", quality: 0.95 }));
  const asItIs = scale === 1 && SENT_AS_THEY_ARE.includes(file.type);
  const { width, height } = bitmap;
  return { file: asItIs ? async () => file : encoded, pixels: () => pixelsOf(onCanvas()), bitmap, width, height };
}

function pixelsOf(canvas) {
  const { data, width, height } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return { data, width, height, channels: 4 };
}
