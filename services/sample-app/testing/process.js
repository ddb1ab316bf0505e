/**
 * Programs of this service as processes of their own.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";

import { Lines } from "./lines.js";

/** @returns {Promise<number>} a port that was free just now */
export async function freePort() {
  const server = createServer().listen(0);
  await once(server, "listening");
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  server.close();
  await once(server, "close");
  return port;
}

/**
 * Run a program of `src`; it is ended with the test at the latest.
 *
 * @param {import("node:test").TestContext} t
 * @param {string} program such as "main.js"
 * @param {NodeJS.ProcessEnv} env
 * @param {string[]} [options] of node
 */
export function run(t, program, env, options = []) {
  const path = fileURLToPath(new URL(`../src/${program}`, import.meta.url));
  const child = spawn(process.execPath, [...options, path], {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  t.after(() => child.kill("SIGKILL"));
  const lines = child.stdout.pipe(new Lines());
  const ended = Promise.all([once(child, "close"), text(child.stderr)]).then(
    ([[code], stderr]) => ({ code, stderr }),
  );
  return { child, lines, ended };
}

/**
 * Start the service and wait until it listens.
 *
 * @param {import("node:test").TestContext} t
 * @param {NodeJS.ProcessEnv} [env]
 * @param {string[]} [options] of node
 */
export async function start(t, env, options) {
  const port = await freePort();
  const program = run(t, "main.js", { PORT: String(port), ...env }, options);
  await program.lines.find({ message: "listening" });
  return { ...program, port };
}
