// A run as it grows: asked for once as a whole, and then only for what is new.

import { ask } from "./poll.js";

export const PAUSE = { training: 2000, other: 10_000 }; // milliseconds; a run writes every five seconds at most

export class LiveRun {
  constructor(name) {
    this.name = name;
    this.facts = null;
    this.history = [];
    this.tag = null;
  }

  /** Fetch what is new. Returns whether there was anything. */
  async refresh() {
    const found = await ask(`runs/${encodeURIComponent(this.name)}?after=${this.history.length}`, this.tag);
    if (!found) return false;
    const { history, ...facts } = found.body;
    const isOther = this.facts && facts.started !== this.facts.started;
    this.tag = found.tag;
    if (isOther && facts.first > 0) {
      this.history = []; // the rows known so far may belong to the run that was there before
      this.tag = null;
      return this.refresh();
    }
    this.history = [...this.history.slice(0, facts.first), ...history];
    this.facts = facts;
    return true;
  }

  get pause() {
    return this.facts?.state === "training" ? PAUSE.training : PAUSE.other;
  }
}

export function state(run) {
  return { training: "training", finished: "finished", interrupted: "interrupted" }[run.state] ?? "unknown";
}

/** Null for a run that fits a head without epochs. */
export function epochs(run) {
  if (run.trains === "head") return null;
  return run.planned_epochs ? `${run.epochs} of ${run.planned_epochs}` : String(run.epochs);
}
