/**
 * `GET /health`: the process can answer. Says nothing about traffic, which is what `/ready` is for: a
 * service that drains must not be restarted for it.
 *
 * @param {import("../settings.js").Settings} settings
 * @returns {import("express").RequestHandler}
 */
export function health({ service }) {
  return (_request, response) => {
    response.json({ status: "healthy", service });
  };
}
