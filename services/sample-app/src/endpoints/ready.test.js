import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { Readiness } from "../readiness.js";
import { serve } from "../../testing/served.js";
import { ready } from "./ready.js";

describe("GET /ready", () => {
  test("a service that listens wants traffic", async (t) => {
    const { request } = await serve(t);
    const answer = await request("/ready");
    assert.equal(answer.status, 200);
    assert.deepEqual(await answer.json(), { status: "ready" });
  });

  test("a draining service wants no traffic", async (t) => {
    const { request, readiness } = await serve(t);
    readiness.drain();
    const answer = await request("/ready");
    assert.equal(answer.status, 503);
    assert.deepEqual(await answer.json(), { status: "draining" });
  });

  test("a starting service does not want traffic yet", async (t) => {
    const { request } = await serve(t, {}, { "/early": ready(new Readiness()) });
    const answer = await request("/early");
    assert.equal(answer.status, 503);
    assert.deepEqual(await answer.json(), { status: "starting" });
  });
});
