// Polling for the pages of models and runs: again and again, without being a burden.

import { pauseAfter, request } from "./api.js";
import { KeyError, offerKeyField } from "./key.js";

const LONGEST_PAUSE = 60_000; // milliseconds

/** {body, tag} of an address under /api, or null if it is still what `tag` stands for. */
export async function ask(path, tag = null) {
  const { answer, tag: newTag } = await request(`api/${path}`, { headers: tag ? { "If-None-Match": tag } : {} });
  return answer && { body: answer, tag: newTag };
}

/**
 * Call `tick` now and after as many milliseconds as it returns, never while the tab is hidden, one call at a time;
 * after an error, which is shown, at growing intervals. The function returned calls it at once.
 */
export function poll(tick) {
  let timer = 0;
  let running = false;
  let again = false;
  let failures = 0;
  const problem = document.getElementById("problem");
  async function run() {
    clearTimeout(timer);
    if (document.hidden) return undefined;
    if (running) {
      again = true;
      return undefined;
    }
    running = true;
    let pause = 0;
    try {
      pause = await tick();
      failures = 0;
      showProblem("");
    } catch (error) {
      showProblem(error.message);
      if (error instanceof KeyError) return offerKeyField(problem); // the page is opened again with another key
      pause = pauseAfter(++failures, error, LONGEST_PAUSE);
    } finally {
      running = false;
    }
    timer = setTimeout(run, again ? 0 : pause);
    again = false;
    return undefined;
  }
  function showProblem(text) {
    if (problem.textContent !== text) problem.textContent = text;
    problem.hidden = !text;
  }
  document.addEventListener("visibilitychange", run);
  addEventListener("online", run);
  run();
  return run;
}
