import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { serve } from "../testing/served.js";

describe("application", () => {
  test("HEAD is GET without the body", async (t) => {
    const { request } = await serve(t);
    const answer = await request("/api/items", { method: "HEAD" });
    assert.equal(answer.status, 200);
    assert.match(String(answer.headers.get("Content-Type")), /^application\/json/);
    assert.equal(await answer.text(), "");
  });

  for (const path of ["/api/items/", "/health/", "/API/items", "/api", "/api/items/2/"]) {
    test(`${path} is nobody's path`, async (t) => {
      const { request } = await serve(t);
      assert.equal((await request(path)).status, 404);
    });
  }

  for (const method of ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"]) {
    test(`${method} is refused on every path`, async (t) => {
      const { request } = await serve(t);
      for (const path of ["/", "/api/items", "/api/items/2", "/health", "/ready", "/metrics"]) {
        assert.equal((await request(path, { method })).status, 405);
      }
    });
  }
});
