/**
 * Ask callers to leave while the service drains: each answer closes its connection, so that the next
 * request is made over a new one, which the cluster leads to somebody else.
 *
 * @param {import("../readiness.js").Readiness} readiness
 * @returns {import("express").RequestHandler}
 */
export function closeWhileDraining(readiness) {
  return (_request, response, next) => {
    if (readiness.status === "draining") response.set("Connection", "close");
    next();
  };
}
