import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { serve } from "../../testing/served.js";

describe("GET /api/items", () => {
  test("all items are answered and counted", async (t) => {
    const { request } = await serve(t);
    const answer = await request("/api/items");
    assert.equal(answer.status, 200);
    assert.deepEqual(await answer.json(), {
      items: [
        { id: 1, name: "format", state: "ready" },
        { id: 2, name: "test", state: "ready" },
        { id: 3, name: "ship", state: "ready" },
      ],
      count: 3,
    });
  });

  test("a query changes nothing", async (t) => {
    const { request } = await serve(t);
    const answer = await request("/api/items?state=gone");
    assert.equal((await answer.json()).count, 3);
  });
});
