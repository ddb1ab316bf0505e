import { health } from "./endpoints/health.js";
import { item } from "./endpoints/item.js";
import { items } from "./endpoints/items.js";
import { metricsText } from "./endpoints/metrics.js";
import { ready } from "./endpoints/ready.js";
import { root } from "./endpoints/root.js";

/**
 * Paths, as Express writes them, and what answers a GET there.
 *
 * @typedef {Record<string, import("express").RequestHandler>} Routes
 */

/**
 * List the API's routes.
 *
 * @param {import("./settings.js").Settings} settings
 * @param {import("./readiness.js").Readiness} readiness
 * @param {import("./metrics.js").Metrics} metrics
 * @returns {Routes}
 */
export function createRoutes(settings, readiness, metrics) {
  return {
    "/": root(settings),
    "/api/items": items(),
    "/api/items/:id": item(),
    "/health": health(settings),
    "/ready": ready(readiness),
    "/metrics": metricsText(metrics),
  };
}
