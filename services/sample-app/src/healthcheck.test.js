import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { describe, test } from "node:test";

import { freePort, run } from "../testing/process.js";
import { serve } from "../testing/served.js";

describe("health check", () => {
  test("a service that answers is healthy", async (t) => {
    const { port } = await serve(t);
    const { code, stderr } = await run(t, "healthcheck.js", { PORT: String(port) }).ended;
    assert.deepEqual([code, stderr], [0, ""]);
  });

  test("a service that answers with an error is not", async (t) => {
    const server = createServer((_request, response) => response.writeHead(500).end()).listen(0);
    t.after(() => server.close());
    await once(server, "listening");
    const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
    assert.equal((await run(t, "healthcheck.js", { PORT: String(port) }).ended).code, 1);
  });

  test("a service that is not there is not", async (t) => {
    const port = await freePort();
    const { code, stderr } = await run(t, "healthcheck.js", { PORT: String(port) }).ended;
    assert.deepEqual([code, stderr], [1, ""]);
  });
});
