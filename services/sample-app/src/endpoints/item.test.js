import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { serve } from "../../testing/served.js";

describe("GET /api/items/{id}", () => {
  for (const id of ["2", "%32"]) {
    test(`the item with the id ${id} is answered`, async (t) => {
      const { request } = await serve(t);
      const answer = await request(`/api/items/${id}`);
      assert.equal(answer.status, 200);
      assert.deepEqual(await answer.json(), { id: 2, name: "test", state: "ready" });
    });
  }

  for (const id of ["99", "ship", "02", "2.0", "__proto__"]) {
    test(`there is no item with the id ${id}`, async (t) => {
      const { request } = await serve(t);
      const answer = await request(`/api/items/${id}`);
      assert.equal(answer.status, 404);
      assert.deepEqual(await answer.json(), {
        error: "Not Found",
        detail: "There is no such item.",
        request_id: answer.headers.get("X-Request-ID"),
      });
    });
  }
});
