/**
 * `GET /ready`: whether to send traffic here; 503 while the service starts and while it drains.
 *
 * @param {import("../readiness.js").Readiness} readiness
 * @returns {import("express").RequestHandler}
 */
export function ready(readiness) {
  return (_request, response) => {
    const { status } = readiness;
    response.status(status === "ready" ? 200 : 503).json({ status });
  };
}
