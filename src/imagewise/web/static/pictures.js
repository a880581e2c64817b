// Pictures of any origin, for either recogniser: a file for the server, decoded pixels for the browser.

const LONGEST = 4096; // pixels of a decoded side: phones' canvases end soon after

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
  let bitmap = await createImageBitmap(file, { imageOrientation: "from-image" });
  const { width, height } = bitmap;
  const scale = LONGEST / Math.max(width, height);
  if (scale < 1) bitmap = await createImageBitmap(bitmap, { resizeWidth: Math.round(width * scale) });
  const pixels = () => {
    const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
    canvas.getContext("2d", { willReadFrequently: true }).drawImage(bitmap, 0, 0);
    return pixelsOf(canvas);
  };
  return { file: async () => file, pixels, bitmap, width, height };
}

function pixelsOf(canvas) {
  const { data, width, height } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return { data, width, height, channels: 4 };
}
