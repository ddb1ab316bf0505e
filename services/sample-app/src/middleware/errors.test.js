import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { serve } from "../../testing/served.js";

const SECRET = "the password is hunter2";

/** @type {import("../routes.js").Routes} */
const FAULTY = {
  "/throws": () => {
    throw new Error(SECRET);
  },
  "/rejects": async () => {
    throw new Error(SECRET);
  },
  "/throws-text": () => {
    throw SECRET;
  },
  "/decodes": () => {
    decodeURIComponent("%zz");
  },
  "/breaks-off": (_request, response) => {
    response.write("half an ans");
    throw new Error(SECRET);
  },
};

describe("errors", () => {
  test("an unknown path is answered as JSON", async (t) => {
    const { request } = await serve(t);
    const answer = await request("/nothing/here");
    assert.equal(answer.status, 404);
    assert.deepEqual(await answer.json(), {
      error: "Not Found",
      detail: "There is nothing at this address.",
      request_id: answer.headers.get("X-Request-ID"),
    });
  });

  test("a method that a path does not have is refused", async (t) => {
    const { request } = await serve(t);
    const answer = await request("/api/items", { method: "POST" });
    assert.equal(answer.status, 405);
    assert.equal(answer.headers.get("Allow"), "GET, HEAD");
    assert.deepEqual(await answer.json(), {
      error: "Method Not Allowed",
      detail: "This address answers GET and HEAD only.",
      request_id: answer.headers.get("X-Request-ID"),
    });
  });

  test("an address that cannot be decoded is the caller's error", async (t) => {
    const { request, lines } = await serve(t);
    const answer = await request("/api/items/%zz");
    assert.equal(answer.status, 400);
    assert.equal((await answer.json()).detail, "The address is not well formed.");
    const line = await lines.find({ message: "request" });
    assert.deepEqual([line.level, line.status], ["info", 400]);
  });

  for (const path of ["/throws", "/rejects", "/throws-text", "/decodes"]) {
    test(`what ${path.slice(1)} unexpectedly is logged and not told`, async (t) => {
      const { request, lines } = await serve(t, {}, FAULTY);
      const answer = await request(path);
      const request_id = answer.headers.get("X-Request-ID");
      assert.equal(answer.status, 500);
      assert.deepEqual(await answer.json(), {
        error: "Internal Server Error",
        detail: "See the log.",
        request_id,
      });
      const { level, error } = await lines.find({ message: "unhandled", request_id });
      assert.equal(level, "error");
      assert.match(String(error), path === "/decodes" ? /URI malformed/ : new RegExp(SECRET));
      await lines.find({ message: "request", request_id, level: "error", status: 500 });
    });
  }

  test("an answer that fails half-way is broken off, so that nobody takes it for whole", async (t) => {
    const { request, lines } = await serve(t, {}, FAULTY);
    await assert.rejects(request("/breaks-off").then((answer) => answer.text()));
    await lines.find({ message: "unhandled" });
    await lines.find({ message: "request", path: "/breaks-off", level: "error", status: 500 });
  });
});
