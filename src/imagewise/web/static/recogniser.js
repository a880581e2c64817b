// The recogniser that answers: the server that the page came from, or onnxruntime-web in this browser. Both have
//
//   card                the model's card: class_names, framing, metrics, data, ...; another one if the model is replaced
//   predict(picture)    {classes: [{label, probability}] best first, seen, occlusion}
//   readText(picture)   {text, characters: [{box, label, probability}]}
//
// `picture` is one of pictures.js. `predict(picture, {explain: true})` adds `occlusion`: rows of numbers from 0 to 1,
// how much hiding that place changes the answer, or null; `isOld()` is whether the page shows another picture by now.
// `seen` is {data, height, width, channels} or null.

export const inBrowser = document.documentElement.dataset.answers === "browser";

/** Names of the models that can be chosen, by `?model=NAME` in the page's address. */
export async function modelNames() {
  return inBrowser ? [] : (await import("./on_server.js")).modelNames();
}

export async function openRecogniser() {
  if (inBrowser) {
    const { BrowserRecogniser } = await import("./in_browser.js");
    return BrowserRecogniser.open();
  }
  const { ServerRecogniser } = await import("./on_server.js");
  return ServerRecogniser.open();
}
