import assert from "node:assert/strict";
import { EventEmitter, once } from "node:events";
import { get } from "node:http";
import { describe, test } from "node:test";

import { serve } from "../../testing/served.js";

describe("observation", () => {
  test("a request leaves one line", async (t) => {
    const { request, lines } = await serve(t);
    await request("/api/items/2?a=b", { headers: { "X-Request-ID": "abc" } });
    const line = await lines.find({ message: "request" });
    const { time, milliseconds, ...rest } = line;
    assert.ok(time);
    assert.ok(Number(milliseconds) > 0);
    assert.deepEqual(rest, {
      level: "info",
      message: "request",
      service: "sample-app",
      request_id: "abc",
      method: "GET",
      path: "/api/items/2",
      status: 200,
    });
    assert.equal(lines.all.filter(({ message }) => message === "request").length, 1);
  });

  for (const [path, handler, status] of [
    ["/", "/", 200],
    ["/api/items/2", "/api/items/{id}", 200],
    ["/api/items/99", "/api/items/{id}", 404],
    ["/nothing", "none", 404],
  ]) {
    test(`${path} is counted as ${handler} with ${status}`, async (t) => {
      const { request, lines, metrics } = await serve(t);
      await request(String(path));
      await lines.find({ message: "request" });
      const labels = `{handler="${handler}",method="GET",status="${status}"}`;
      const text = await metrics.text();
      assert.ok(text.includes(`http_requests_total${labels} 1\n`));
      assert.ok(text.includes(`http_request_duration_seconds_count${labels} 1\n`));
    });
  }

  for (const path of ["/health", "/ready", "/metrics"]) {
    test(`${path} is logged at debug and not counted`, async (t) => {
      const { request, lines, metrics } = await serve(t);
      await request(path);
      await lines.find({ message: "request", path, level: "debug", status: 200 });
      assert.doesNotMatch(await metrics.text(), /^http_requests_total\{/m);
    });
  }

  test("a caller who leaves early is noted as such", async (t) => {
    const arrivals = new EventEmitter();
    const slow = () => arrivals.emit("slow");
    const { port, lines, metrics } = await serve(t, {}, { "/slow": slow });
    const caller = get({ port, path: "/slow" });
    await once(arrivals, "slow");
    caller.destroy();
    await once(caller, "error");
    await lines.find({ message: "request", path: "/slow", level: "info", status: 499 });
    assert.match(
      await metrics.text(),
      /^http_requests_total\{handler="\/slow".*status="499"\} 1$/m,
    );
  });
});
