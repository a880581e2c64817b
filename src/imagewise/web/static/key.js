// The key of a server that needs one, from a field on the page or from its address, http://.../#key=KEY: what follows #
// is never sent. It is taken out of the address at once, so that neither history nor bookmark holds it, and is gone with
// the tab.

import { element } from "./dom.js";

const NAME = "imagewise-key";
const SENDABLE = /^[\u0020-\u00ff]*$/; // what a header may hold

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
    return text; // a plain %
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

/** Headers with the key, if there is one. */
export function keyHeaders() {
  return key && SENDABLE.test(key) ? { Authorization: `Bearer ${key}` } : {};
}

/** The server answered 401. */
export class KeyError extends Error {
  constructor() {
    super(key ? "The server did not accept this key." : "This server needs a key.");
    this.name = "KeyError";
  }
}

/** Put a field for the key after an element, unless it is there already. */
export function offerKeyField(place) {
  if (document.getElementById("key")) return;
  const form = element("form", "", { class: "key" });
  const field = element("input", "", { id: "key", type: "password", autocomplete: "off", required: "" });
  const label = element("label", "Key ");
  label.append(field);
  form.append(label, element("button", "Unlock", { type: "submit" }));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    location.hash = `#key=${encodeURIComponent(field.value)}`; // taken as from the address, then the page is reloaded
  });
  place.after(form);
}
