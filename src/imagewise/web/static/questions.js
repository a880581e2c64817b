// One question at a time: what changed meanwhile is asked next, and what failed for a passing reason is asked again.

import { RetryError, pauseAfter } from "./api.js";

const LONGEST_PAUSE = 10_000; // milliseconds between two tries
const SLOW = 500; // milliseconds after which the wait is shown

export class Questions {
  /**
   * `ask(explain)` returns the answer about what is on the page now; `show(answer, explain)` shows it;
   * `waiting()` is called if an answer takes long, `failed(error, again)` if no answer comes; `again` is true if
   * the question will be repeated.
   */
  constructor({ ask, show, waiting, failed }) {
    Object.assign(this, { ask, show, waiting, failed });
    this.running = false;
    this.wanted = null; // {explain}: what to ask next
    this.timer = 0; // of the next try, after a failure
    this.failures = 0;
    this.round = 0; // answers to questions of an earlier round are not shown
    const hurry = () => this.wanted && this.#run();
    document.addEventListener("visibilitychange", hurry);
    addEventListener("online", hurry);
  }

  /** Ask about what is on the page now, with an explanation or without. */
  request(explain) {
    this.#want(explain);
    if (!this.running && (explain || !this.timer)) this.#run(); // a stroke under way does not shorten a pause
  }

  /** Forget what was asked, and what is still being answered: there is nothing to ask about. */
  cancel() {
    clearTimeout(this.timer);
    this.round++;
    Object.assign(this, { running: false, wanted: null, timer: 0, failures: 0 });
  }

  #want(explain) {
    this.wanted = { explain: explain || (this.wanted?.explain ?? false) };
  }

  async #run() {
    if (this.running || document.hidden) return; // a hidden page goes on once it is seen
    clearTimeout(this.timer);
    this.timer = 0;
    this.running = true;
    const { round, wanted } = this;
    this.wanted = null;
    const slow = setTimeout(() => round === this.round && this.waiting(), SLOW);
    const [answer, error] = await this.ask(wanted.explain).then((found) => [found], (thrown) => [null, thrown]);
    clearTimeout(slow);
    if (round !== this.round) return;
    this.running = false;
    if (error) this.#fail(error, wanted.explain);
    else {
      this.failures = 0;
      this.show(answer, wanted.explain);
    }
    if (this.wanted && !this.timer) this.#run();
  }

  #fail(error, explain) {
    const again = error instanceof RetryError;
    if (again) {
      this.#want(explain);
      this.timer = setTimeout(() => this.#run(), pauseAfter(++this.failures, error, LONGEST_PAUSE));
    } else this.failures = 0;
    this.failed(error, again);
  }
}
