import assert from "node:assert/strict";
import { EventEmitter, once } from "node:events";
import { Agent, get } from "node:http";
import { connect } from "node:net";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { serve } from "../testing/served.js";
import { createLog } from "./logging.js";
import { Readiness } from "./readiness.js";
import { Server } from "./server.js";

/** A route that answers when it is told to. */
function slowRoute() {
  const events = new EventEmitter();
  /** @type {import("express").RequestHandler} */
  const slow = async (_request, response) => {
    events.emit("arrived");
    await once(events, "go on");
    response.send("done");
  };
  return { events, routes: { "/slow": slow } };
}

describe("server", () => {
  test("a service is ready as soon as it listens", async (t) => {
    const { readiness, lines, port } = await serve(t);
    assert.equal(readiness.status, "ready");
    await lines.find({ message: "listening", port });
  });

  test("a port that is taken ends the start", async (t) => {
    const { port } = await serve(t);
    const readiness = new Readiness();
    const log = createLog({ service: "sample-app", logLevel: "error" });
    await assert.rejects(new Server(() => {}, readiness, log).start(port), { code: "EADDRINUSE" });
    assert.equal(readiness.status, "starting");
  });

  test("while it drains a service answers, and is not ready", async (t) => {
    const { request, stop, port } = await serve(t);
    const stopped = stop(1, 10);
    assert.equal((await request("/ready")).status, 503);
    assert.equal((await request("/api/items")).status, 200);
    assert.equal(await stopped, true);
    await assert.rejects(fetch(`http://127.0.0.1:${port}/ready`));
  });

  test("a request that is under way is finished", async (t) => {
    const { events, routes } = slowRoute();
    const { request, stop, lines } = await serve(t, {}, routes);
    const answer = request("/slow");
    await once(events, "arrived");
    const stopped = stop(0, 10);
    await sleep(100);
    events.emit("go on");
    assert.equal(await (await answer).text(), "done");
    assert.equal(await stopped, true);
    await lines.find({ message: "stopped", level: "info" });
  });

  test("a request that takes too long is cut off, and said to be", async (t) => {
    const { events, routes } = slowRoute();
    const { request, stop, lines } = await serve(t, {}, routes);
    const answer = request("/slow");
    await once(events, "arrived");
    assert.equal(await stop(0, 0.2), false);
    await assert.rejects(answer);
    await lines.find({ message: "stopped, requests cut off", level: "error", requests: 1 });
  });

  test("a kept connection does not hold the end", async (t) => {
    const { port, stop } = await serve(t);
    const agent = new Agent({ keepAlive: true });
    t.after(() => agent.destroy());
    const [answer] = await once(get({ port, path: "/", agent }), "response");
    answer.resume();
    await once(answer, "end");
    assert.equal(await stop(0, 10), true);
  });

  test("a connection that is kept after its last request under way does not hold the end", async (t) => {
    const { events, routes } = slowRoute();
    const { port, stop } = await serve(t, {}, routes);
    const agent = new Agent({ keepAlive: true });
    t.after(() => agent.destroy());
    const response = once(get({ port, path: "/slow", agent }), "response");
    await once(events, "arrived");
    const stopped = stop(0, 10);
    await sleep(100);
    events.emit("go on");
    const [answer] = await response;
    answer.resume();
    assert.equal(await stopped, true);
  });

  test("a connection that never asked anything does not hold the end", async (t) => {
    const { port, stop } = await serve(t);
    const silent = connect(port, "127.0.0.1");
    await once(silent, "connect");
    const closed = once(silent, "close");
    silent.resume();
    assert.equal(await stop(0, 10), true);
    await closed;
  });
});
