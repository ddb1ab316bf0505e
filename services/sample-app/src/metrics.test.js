import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { Metrics } from "./metrics.js";

/** @param {Metrics} metrics @param {RegExp} wanted */
async function samples(metrics, wanted) {
  return (await metrics.text()).split("\n").filter((line) => wanted.test(line));
}

describe("metrics", () => {
  test("requests are counted by handler, method and status", async () => {
    const metrics = new Metrics();
    metrics.observe("/api/items/{id}", "GET", 200, 0.001);
    metrics.observe("/api/items/{id}", "GET", 200, 0.001);
    metrics.observe("none", "GET", 404, 0.001);
    assert.deepEqual(await samples(metrics, /^http_requests_total/), [
      'http_requests_total{handler="/api/items/{id}",method="GET",status="200"} 2',
      'http_requests_total{handler="none",method="GET",status="404"} 1',
    ]);
  });

  test("durations fall into the buckets that all services share", async () => {
    const metrics = new Metrics();
    metrics.observe("/", "GET", 200, 0.3);
    const buckets = await samples(metrics, /^http_request_duration_seconds_bucket/);
    const read = buckets.map((line) => [/le="([^"]+)"/.exec(line)?.[1], line.split(" ").at(-1)]);
    assert.deepEqual(read, [
      ["0.005", "0"],
      ["0.01", "0"],
      ["0.025", "0"],
      ["0.05", "0"],
      ["0.1", "0"],
      ["0.25", "0"],
      ["0.5", "1"],
      ["1", "1"],
      ["2.5", "1"],
      ["5", "1"],
      ["+Inf", "1"],
    ]);
  });

  test("uncommon methods share one label", async () => {
    const metrics = new Metrics();
    metrics.observe("/", "PROPFIND", 405, 0.001);
    metrics.observe("/", "MKCOL", 405, 0.001);
    assert.deepEqual(await samples(metrics, /^http_requests_total/), [
      'http_requests_total{handler="/",method="other",status="405"} 2',
    ]);
  });

  test("two applications in one process count apart", async () => {
    const [one, other] = [new Metrics(), new Metrics()];
    one.observe("/", "GET", 200, 0.001);
    assert.deepEqual(await samples(other, /^http_requests_total/), []);
  });
});
