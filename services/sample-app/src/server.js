/**
 * The HTTP server and its orderly end: first callers are told to go elsewhere, then no connection is
 * taken any more, then what is under way may finish.
 */
import { once } from "node:events";
import { createServer } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

/** Longer than the 60 s of an ingress: the server must not close a connection just as it is used. */
const KEEP_ALIVE_MILLISECONDS = 65_000;

/** How often idle connections are looked for at the end. */
const SWEEP_MILLISECONDS = 50;

/** Serves an application until it is told to stop. */
export class Server {
  #http;
  #readiness;
  #log;

  /** @type {Set<import("node:net").Socket>} */
  #connections = new Set();

  /**
   * @param {import("node:http").RequestListener} app
   * @param {import("./readiness.js").Readiness} readiness
   * @param {import("./logging.js").Log} log
   */
  constructor(app, readiness, log) {
    this.#readiness = readiness;
    this.#log = log;
    this.#http = createServer({ keepAliveTimeout: KEEP_ALIVE_MILLISECONDS }, app);
    this.#http.on("connection", (socket) => {
      this.#connections.add(socket);
      socket.once("close", () => this.#connections.delete(socket));
    });
  }

  /**
   * Listen on all addresses, and ask for traffic.
   *
   * @param {number} port 0 for any that is free
   * @returns {Promise<number>} the port
   * @throws if the port is taken
   */
  async start(port) {
    this.#http.listen(port, "0.0.0.0");
    await once(this.#http, "listening");
    this.#readiness.ready();
    const address = /** @type {import("node:net").AddressInfo} */ (this.#http.address());
    this.#log.info("listening", { port: address.port });
    return address.port;
  }

  /**
   * Drain and stop.
   *
   * @param {number} drainSeconds to go on serving while `/ready` turns callers away
   * @param {number} finishSeconds to let what is then under way finish in
   * @returns {Promise<boolean>} whether everything finished; what did not was cut off
   */
  async stop(drainSeconds, finishSeconds) {
    this.#readiness.drain();
    this.#log.info("draining", { seconds: drainSeconds });
    await sleep(drainSeconds * 1000);
    const closed = once(this.#http, "close").then(() => true);
    this.#http.close();
    const sweep = setInterval(() => this.#endIdleConnections(), SWEEP_MILLISECONDS);
    const tooLate = sleep(finishSeconds * 1000, false, { ref: false });
    const finished = await Promise.race([closed, tooLate]);
    clearInterval(sweep);
    if (finished) this.#log.info("stopped");
    else this.#log.error("stopped, requests cut off", { requests: this.#connections.size });
    this.#http.closeAllConnections();
    return finished;
  }

  /** End connections with no request under way; Node.js spares those that never made one. */
  #endIdleConnections() {
    this.#http.closeIdleConnections();
    for (const socket of this.#connections) {
      if (socket.bytesRead === 0) socket.destroy();
    }
  }
}
