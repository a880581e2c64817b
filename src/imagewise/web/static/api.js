// Requests to the server that the page came from: with the key, within a time limit, failures in words.

import { KeyError, keyHeaders } from "./key.js";

const ROOT = new URL("..", import.meta.url);
const PATIENCE = 8000; // milliseconds for an answer, on top of the upload
const SLOWEST_UPLOAD = 25; // bytes a millisecond
const FIRST_PAUSE = 1000; // milliseconds
const UNREACHABLE = "Can't reach the server. Retrying …";
const BUSY = "The server is busy. Retrying …";
const PASSING = { 408: BUSY, 429: BUSY, 502: UNREACHABLE, 503: BUSY, 504: BUSY }; // by HTTP status

/** A failure that may pass: the same request is worth another try, after `pause` milliseconds or more. */
export class RetryError extends Error {
  constructor(text, pause = 0) {
    super(text);
    this.name = "RetryError";
    this.pause = pause;
  }
}

/** The server refused the request, in its own words. */
export class RefusedError extends Error {}

/** Milliseconds until the next try after `failures` in a row: twice as long each time, up to `longest`. */
export function pauseAfter(failures, error, longest) {
  return Math.max(Math.min(FIRST_PAUSE * 2 ** (failures - 1), longest), error.pause ?? 0);
}

/**
 * {answer, tag} of an address relative to `/`: the JSON of the response and its ETag; `answer` is null for 304.
 *
 * Throws RetryError, KeyError or RefusedError.
 */
export async function request(path, { method = "GET", body = null, headers = {} } = {}) {
  const signal = AbortSignal.timeout(PATIENCE + (body?.size ?? 0) / SLOWEST_UPLOAD);
  const options = { method, body, headers: { ...keyHeaders(), ...headers }, cache: "no-store", signal };
  let response;
  let answer;
  try {
    response = await fetch(new URL(path, ROOT), options);
    answer = response.status === 304 ? null : await jsonOf(response);
  } catch {
    throw new RetryError(UNREACHABLE); // no connection, cut off, or out of time
  }
  const { status } = response;
  if (status === 401) throw new KeyError();
  if (status in PASSING) throw new RetryError(PASSING[status], 1000 * Number(response.headers.get("Retry-After")) || 0);
  if (status >= 400) throw new RefusedError(answer.detail || answer.title || `The server answered with status ${status}.`);
  return { answer, tag: response.headers.get("ETag") };
}

/** {} for a body that is no JSON, as a proxy's error page. */
async function jsonOf(response) {
  const text = await response.text();
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}
