import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { Lines } from "../testing/lines.js";
import { createLog, errorText } from "./logging.js";

describe("log", () => {
  test("a line has time, level, message, service, and then its fields", async () => {
    const lines = new Lines();
    createLog({ service: "sample-app", logLevel: "info" }, lines).info("started", { port: 3000 });
    const line = await lines.find({ message: "started" });
    assert.deepEqual(Object.keys(line), ["time", "level", "message", "service", "port"]);
    assert.match(String(line.time), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    assert.deepEqual([line.level, line.service, line.port], ["info", "sample-app", 3000]);
  });

  test("what is less urgent than the level is not written", () => {
    const lines = new Lines();
    const log = createLog({ service: "sample-app", logLevel: "warning" }, lines);
    for (const level of ["debug", "info", "warning", "error"]) log.log(level, `at ${level}`);
    assert.deepEqual(lines.messages(), ["at warning", "at error"]);
  });

  test("a line break in a message stays within its line", () => {
    const lines = new Lines();
    const log = createLog({ service: "sample-app", logLevel: "info" }, lines);
    log.info('one\ntwo {"level":"error"}');
    assert.deepEqual(lines.messages(), ['one\ntwo {"level":"error"}']);
  });

  test("an error is described by its stack, anything else by its text", () => {
    assert.match(errorText(new Error("boom")), /^Error: boom\n\s+at /);
    const bare = new Error("bare");
    delete bare.stack;
    assert.equal(errorText(bare), "Error: bare");
    assert.equal(errorText("thrown text"), "thrown text");
    assert.equal(errorText(undefined), "undefined");
  });
});
