import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { serve } from "../../testing/served.js";

describe("GET /", () => {
  test("the root names service, environment and version", async (t) => {
    const { request } = await serve(t, { APP_ENV: "staging", APP_VERSION: "1.2.3" });
    const answer = await request("/");
    assert.equal(answer.status, 200);
    assert.deepEqual(await answer.json(), {
      service: "sample-app",
      environment: "staging",
      version: "1.2.3",
    });
  });
});
