/**
 * Whether the service wants traffic. Not the same as being alive: a process that starts, or that drains
 * before its end, answers what it is asked and yet wants nothing new.
 */

/** @typedef {"starting" | "ready" | "draining"} Status */

/** Where the service is between its start and its end; it never goes back. */
export class Readiness {
  /** @type {Status} */
  #status = "starting";

  get status() {
    return this.#status;
  }

  /** Ask for traffic. */
  ready() {
    if (this.#status === "starting") this.#status = "ready";
  }

  /** Ask for no more traffic. */
  drain() {
    this.#status = "draining";
  }
}
