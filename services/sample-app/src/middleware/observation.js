/**
 * Observe each request once, when it is over: one log line and one count. Probes and `/metrics`, which
 * are asked every few seconds, are logged at debug only and not counted.
 */
const QUIET = new Set(["/health", "/ready", "/metrics"]);

/** What is noted in place of a good status when the caller left before the answer was complete. */
const CLIENT_CLOSED_REQUEST = 499;

/**
 * Name a route as its template in braces form, or "none".
 *
 * @param {string | undefined} path as Express has it, such as "/api/items/:id"
 * @returns {string}
 */
function handlerOf(path) {
  return path?.replace(/:(\w+)/g, "{$1}") ?? "none";
}

/**
 * Observe requests.
 *
 * @param {import("../logging.js").Log} log
 * @param {import("../metrics.js").Metrics} metrics
 * @returns {import("express").RequestHandler}
 */
export function observation(log, metrics) {
  return (request, response, next) => {
    const begun = performance.now();
    const { method, path } = request;
    response.on("close", () => {
      const milliseconds = performance.now() - begun;
      const { statusCode, writableFinished } = response;
      const status = writableFinished ? statusCode : Math.max(statusCode, CLIENT_CLOSED_REQUEST);
      const handler = handlerOf(request.route?.path);
      const quiet = QUIET.has(handler);
      if (!quiet) metrics.observe(handler, method, status, milliseconds / 1000);
      log.log(quiet ? "debug" : status >= 500 ? "error" : "info", "request", {
        request_id: response.locals.requestId,
        method,
        path,
        status,
        milliseconds: Math.round(milliseconds * 1000) / 1000,
      });
    });
    next();
  };
}
