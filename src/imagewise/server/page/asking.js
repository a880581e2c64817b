// What the pages of models and runs ask of the server; and asking again and again without being a burden.

import { KeyError, keyHeaders } from "./key.js";

const ROOT = new URL("..", import.meta.url);
const LONGEST_PAUSE = 60_000;

/** {body, tag} of an address under /api, or null where it is still what `tag` stands for. */
export async function ask(path, tag = null) {
  const headers = { ...keyHeaders(), ...(tag && { "If-None-Match": tag }) };
  const response = await fetch(new URL(`api/${path}`, ROOT), { headers, cache: "no-store" });
  if (response.status === 304) return null;
  if (response.status === 401) throw new KeyError();
  const body = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(body.detail || `The server answered ${response.status}.`);
  return { body, tag: response.headers.get("ETag") };
}

/**
 * Call `look` now and after as many milliseconds as it returns, never while the tab is hidden, one call at a time;
 * after an error, which is shown, ever more seldom. The function returned makes it look at once.
 */
export function keepLooking(look) {
  let timer = 0;
  let looking = false;
  let again = false;
  let failures = 0;
  async function turn() {
    clearTimeout(timer);
    if (document.hidden) return;
    if (looking) {
      again = true;
      return;
    }
    looking = true;
    let pause = 0;
    try {
      pause = await look();
      failures = 0;
      showProblem("");
    } catch (error) {
      failures++;
      showProblem(error instanceof TypeError ? "The server does not answer. It is asked again by and by." : error.message);
      if (error instanceof KeyError) return; // nothing changes till the page is opened with another
      pause = Math.min(1000 * 2 ** failures, LONGEST_PAUSE);
    } finally {
      looking = false;
    }
    timer = setTimeout(turn, again ? 0 : pause);
    again = false;
  }
  document.addEventListener("visibilitychange", turn);
  turn();
  return turn;
}

export function showProblem(text) {
  const place = document.getElementById("problem");
  if (place.textContent !== text) place.textContent = text;
  place.hidden = !text;
}
