import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { serve } from "../../testing/served.js";

describe("request id", () => {
  for (const given of ["abc", "trace 7/a:b", "x".repeat(128)]) {
    test(`a caller's id of ${given.length} characters is kept`, async (t) => {
      const { request } = await serve(t);
      const answer = await request("/", { headers: { "X-Request-ID": given } });
      assert.equal(answer.headers.get("X-Request-ID"), given);
    });
  }

  for (const [what, given] of [
    ["an empty id", ""],
    ["an id that is too long", "x".repeat(129)],
    ["an id that is not ASCII", "caf\u00e9"],
    ["an id with a tab", "a\tb"],
  ]) {
    test(`${what} is replaced`, async (t) => {
      const { request } = await serve(t);
      const answer = await request("/", { headers: { "X-Request-ID": String(given) } });
      assert.match(String(answer.headers.get("X-Request-ID")), /^[0-9a-f]{32}$/);
    });
  }

  test("each request without an id gets one of its own, which its log line has too", async (t) => {
    const { request, lines } = await serve(t);
    const ids = [];
    for (let count = 0; count < 2; count += 1) {
      const id = (await request("/")).headers.get("X-Request-ID");
      await lines.find({ message: "request", request_id: id });
      ids.push(id);
    }
    assert.equal(new Set(ids).size, 2);
  });
});
