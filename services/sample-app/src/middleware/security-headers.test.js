import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { serve } from "../../testing/served.js";

describe("security headers", () => {
  for (const path of ["/", "/health", "/metrics", "/nothing", "/crash"]) {
    test(`the answer to ${path} has the security headers`, async (t) => {
      const { request } = await serve(
        t,
        {},
        {
          "/crash": () => {
            throw new Error("boom");
          },
        },
      );
      const { headers } = await request(path);
      assert.equal(headers.get("X-Content-Type-Options"), "nosniff");
      assert.equal(headers.get("X-Frame-Options"), "DENY");
      assert.equal(headers.get("Referrer-Policy"), "no-referrer");
      assert.equal(
        headers.get("Content-Security-Policy"),
        "default-src 'none'; frame-ancestors 'none'",
      );
      assert.equal(headers.get("Cache-Control"), "no-store");
      assert.equal(headers.get("X-Powered-By"), null);
      assert.equal(headers.get("ETag"), null);
    });
  }
});
