import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { serve } from "../../testing/served.js";

describe("GET /health", () => {
  test("a running service is healthy", async (t) => {
    const { request } = await serve(t);
    const answer = await request("/health");
    assert.equal(answer.status, 200);
    assert.deepEqual(await answer.json(), { status: "healthy", service: "sample-app" });
  });

  test("a draining service is healthy too: it needs no restart", async (t) => {
    const { request, readiness } = await serve(t);
    readiness.drain();
    assert.equal((await request("/health")).status, 200);
  });
});
