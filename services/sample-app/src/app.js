/**
 * The application: routes, and what every request passes before and after them.
 */
import express from "express";

import { closeWhileDraining } from "./middleware/draining.js";
import { errorAnswer, methodNotAllowed, notFound } from "./middleware/errors.js";
import { observation } from "./middleware/observation.js";
import { requestId } from "./middleware/request-id.js";
import { securityHeaders } from "./middleware/security-headers.js";

/**
 * Build the application around its routes.
 *
 * @param {import("./routes.js").Routes} routes
 * @param {import("./logging.js").Log} log
 * @param {import("./metrics.js").Metrics} metrics
 * @param {import("./readiness.js").Readiness} readiness
 * @returns {import("express").Express}
 */
export function createApp(routes, log, metrics, readiness) {
  const app = express();
  app.disable("x-powered-by").disable("etag");
  app.enable("strict routing").enable("case sensitive routing");
  app.use(requestId, securityHeaders, observation(log, metrics), closeWhileDraining(readiness));
  for (const [path, answer] of Object.entries(routes)) {
    app.route(path).get(answer).all(methodNotAllowed);
  }
  app.use(notFound, errorAnswer(log));
  return app;
}
