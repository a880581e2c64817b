// The key of a server that asks for one. The page is opened as http://.../#key=KEY: what stands behind # is never sent
// with an address. The key is taken out of it at once, so that neither history nor bookmark holds it, and goes with the tab.

const NAME = "imagewise-key";

let key = null;

/** Whether the address held a key. */
function take() {
  const written = /^#key=(.*)$/.exec(location.hash)?.[1];
  if (written === undefined) return false;
  key = decoded(written);
  inStorage((storage) => storage.setItem(NAME, key));
  history.replaceState(history.state, "", location.pathname + location.search);
  return true;
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // a % that stands for itself
  }
}

function inStorage(use) {
  try {
    return use(sessionStorage);
  } catch {
    return null; // forbidden in this browser: the key lasts till the page is left
  }
}

if (!take()) key = inStorage((storage) => storage.getItem(NAME));
addEventListener("hashchange", () => take() && location.reload());

/** Headers that bring the key, where there is one. */
export function keyHeaders() {
  return key ? { Authorization: `Bearer ${key}` } : {};
}

/** For an answer of 401. */
export class KeyError extends Error {
  constructor() {
    const what = key ? "another key than the one given" : "a key";
    super(`This server asks for ${what}. Open this page as ${location.origin}${location.pathname}#key=KEY.`);
    this.name = "KeyError";
  }
}
