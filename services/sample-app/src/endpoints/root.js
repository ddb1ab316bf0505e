/**
 * `GET /`: who answers.
 *
 * @param {import("../settings.js").Settings} settings
 * @returns {import("express").RequestHandler}
 */
export function root({ service, environment, version }) {
  return (_request, response) => {
    response.json({ service, environment, version });
  };
}
