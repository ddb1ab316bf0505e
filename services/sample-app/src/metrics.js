/**
 * The metrics of one application: a counter and a histogram of its requests, with the names, labels and
 * buckets that all services of this repository share, and the process metrics of prom-client.
 */
import { Counter, Histogram, Registry, collectDefaultMetrics } from "prom-client";

const METHODS = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);

/** Upper bounds of the histogram's buckets, in seconds. */
const BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

/** Counts and times requests, and tells about them in Prometheus' text format. */
export class Metrics {
  #registry = new Registry();
  #requests = new Counter({
    name: "http_requests_total",
    help: "Requests that were answered.",
    labelNames: ["handler", "method", "status"],
    registers: [this.#registry],
  });
  #durations = new Histogram({
    name: "http_request_duration_seconds",
    help: "Time from a request's arrival to the end of its answer.",
    labelNames: ["handler", "method", "status"],
    buckets: BUCKETS,
    registers: [this.#registry],
  });

  constructor() {
    collectDefaultMetrics({ register: this.#registry });
  }

  /**
   * Count one request. Uncommon methods share one label, so that callers cannot invent labels.
   *
   * @param {string} handler the route's template, or "none"
   * @param {string} method
   * @param {number} status
   * @param {number} seconds
   */
  observe(handler, method, status, seconds) {
    const labels = { handler, method: METHODS.has(method) ? method : "other", status };
    this.#requests.inc(labels);
    this.#durations.observe(labels, seconds);
  }

  /** The media type of what `text` gives. */
  get contentType() {
    return this.#registry.contentType;
  }

  /** @returns {Promise<string>} all metrics as they stand now */
  text() {
    return this.#registry.metrics();
  }
}
