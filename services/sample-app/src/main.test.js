import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { run, start } from "../testing/process.js";

describe("process", () => {
  test("SIGTERM ends the process in order", async (t) => {
    const { child, lines, ended } = await start(t, { DRAIN_SECONDS: "0" });
    child.kill("SIGTERM");
    assert.deepEqual(await ended, { code: 0, stderr: "" });
    assert.deepEqual(lines.messages(), ["listening", "draining", "stopped"]);
  });

  test("a request that began before SIGTERM is answered after it", async (t) => {
    const { child, lines, ended, port } = await start(t, { DRAIN_SECONDS: "0" });
    const socket = connect(port, "127.0.0.1");
    const received = text(socket);
    await once(socket, "connect");
    socket.write("GET /api/items/2 HTTP/1.1\r\n");
    await sleep(100);
    child.kill("SIGTERM");
    await lines.find({ message: "draining" });
    await sleep(200);
    socket.write("Host: localhost\r\n\r\n");
    const answer = await received;
    assert.match(answer, /^HTTP\/1\.1 200 OK\r\n/);
    assert.match(answer, /\r\nConnection: close\r\n/);
    assert.equal((await ended).code, 0);
  });

  test("SIGINT drains too, and a second signal changes nothing", async (t) => {
    const { child, lines, ended, port } = await start(t, { DRAIN_SECONDS: "1" });
    child.kill("SIGINT");
    await lines.find({ message: "draining" });
    child.kill("SIGTERM");
    const answer = await fetch(`http://127.0.0.1:${port}/ready`);
    assert.equal(answer.status, 503);
    assert.deepEqual(await answer.json(), { status: "draining" });
    assert.equal((await ended).code, 0);
    assert.equal(lines.messages().filter((message) => message === "draining").length, 1);
  });

  test("a wrong setting ends the start with 2 and one line", async (t) => {
    const { lines, ended } = run(t, "main.js", { PORT: "http" });
    const stderr = 'PORT is "http": allowed is a whole number from 1 to 65535.\n';
    assert.deepEqual(await ended, { code: 2, stderr });
    assert.deepEqual(lines.all, []);
  });

  test("a port that is taken ends the start with 1 and a log line", async (t) => {
    const { port } = await start(t);
    const { lines, ended } = run(t, "main.js", { PORT: String(port) });
    assert.deepEqual(await ended, { code: 1, stderr: "" });
    const { error } = await lines.find({ message: "uncaught", level: "error" });
    assert.match(String(error), /EADDRINUSE/);
  });

  test("an error that was caught nowhere is logged and ends the process with 1", async (t) => {
    const fault = 'process.on("SIGUSR2", () => { throw new Error("boom") })';
    const { child, lines, ended } = await start(t, {}, [
      "--import",
      `data:text/javascript,${fault}`,
    ]);
    child.kill("SIGUSR2");
    assert.deepEqual(await ended, { code: 1, stderr: "" });
    const { error } = await lines.find({ message: "uncaught", level: "error" });
    assert.match(String(error), /^Error: boom\n/);
  });
});
