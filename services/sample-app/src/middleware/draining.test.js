import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { serve } from "../../testing/served.js";

describe("connections while draining", () => {
  test("a ready service keeps its connections, longer than an ingress does", async (t) => {
    const { request } = await serve(t);
    const { headers } = await request("/");
    assert.equal(headers.get("Connection"), "keep-alive");
    assert.equal(headers.get("Keep-Alive"), "timeout=65");
  });

  test("a draining service closes each connection with its answer", async (t) => {
    const { request, readiness } = await serve(t);
    readiness.drain();
    const answer = await request("/api/items");
    assert.equal(answer.status, 200);
    assert.equal(answer.headers.get("Connection"), "close");
  });
});
