/**
 * An application that really serves, on a port of its own, for one test; and what it logs.
 */
import { createApp } from "../src/app.js";
import { createLog } from "../src/logging.js";
import { Metrics } from "../src/metrics.js";
import { Readiness } from "../src/readiness.js";
import { createRoutes } from "../src/routes.js";
import { Server } from "../src/server.js";
import { readSettings } from "../src/settings.js";
import { Lines } from "./lines.js";

/**
 * Serve an application until the test is over.
 *
 * @param {import("node:test").TestContext} t
 * @param {NodeJS.ProcessEnv} [env] for its settings
 * @param {import("../src/routes.js").Routes} [more] routes besides its own
 */
export async function serve(t, env = {}, more = {}) {
  const settings = readSettings({ LOG_LEVEL: "debug", ...env });
  const lines = new Lines();
  const log = createLog(settings, lines);
  const metrics = new Metrics();
  const readiness = new Readiness();
  const routes = { ...createRoutes(settings, readiness, metrics), ...more };
  const server = new Server(createApp(routes, log, metrics, readiness), readiness, log);
  const port = await server.start(0);
  let stopped = false;
  /** @param {number} drainSeconds @param {number} finishSeconds */
  const stop = async (drainSeconds, finishSeconds) => {
    stopped = true;
    return server.stop(drainSeconds, finishSeconds);
  };
  t.after(() => stopped || stop(0, 0.1));
  /** @param {string} path @param {RequestInit} [init] */
  const request = (path, init) => fetch(`http://127.0.0.1:${port}${path}`, init);
  return { port, lines, metrics, readiness, stop, request };
}
