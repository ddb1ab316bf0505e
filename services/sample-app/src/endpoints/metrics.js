/**
 * `GET /metrics`: the metrics, in Prometheus' text format.
 *
 * @param {import("../metrics.js").Metrics} metrics
 * @returns {import("express").RequestHandler}
 */
export function metricsText(metrics) {
  return async (_request, response) => {
    const text = await metrics.text();
    // Not `send`, which would put the media type's parameters into another order.
    response.setHeader("Content-Type", metrics.contentType);
    response.end(text);
  };
}
