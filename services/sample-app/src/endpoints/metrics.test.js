import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { serve } from "../../testing/served.js";

describe("GET /metrics", () => {
  test("metrics are text in Prometheus' format", async (t) => {
    const { request } = await serve(t);
    const answer = await request("/metrics");
    assert.equal(answer.status, 200);
    assert.equal(answer.headers.get("Content-Type"), "text/plain; version=0.0.4; charset=utf-8");
    const lines = (await answer.text()).split("\n");
    assert.ok(lines.includes("# TYPE http_requests_total counter"));
    assert.ok(lines.includes("# TYPE http_request_duration_seconds histogram"));
    assert.ok(lines.includes("# TYPE process_resident_memory_bytes gauge"));
  });

  test("a failure to collect them is answered like any other error", async (t) => {
    const { request, metrics } = await serve(t);
    t.mock.method(metrics, "text", () => Promise.reject(new Error("no memory")));
    const answer = await request("/metrics");
    assert.equal(answer.status, 500);
    assert.match(String(answer.headers.get("Content-Type")), /^application\/json/);
  });
});
