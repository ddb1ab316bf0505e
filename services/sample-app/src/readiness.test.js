import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { Readiness } from "./readiness.js";

describe("readiness", () => {
  test("a service starts, is ready, drains", () => {
    const readiness = new Readiness();
    assert.equal(readiness.status, "starting");
    readiness.ready();
    assert.equal(readiness.status, "ready");
    readiness.drain();
    assert.equal(readiness.status, "draining");
  });

  test("what drains does not become ready again", () => {
    const readiness = new Readiness();
    readiness.drain();
    readiness.ready();
    assert.equal(readiness.status, "draining");
  });
});
