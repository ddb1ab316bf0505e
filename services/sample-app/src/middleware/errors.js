/**
 * Errors end here, whatever threw them: each is answered as `{error, detail, request_id}`. What was not
 * foreseen is answered without its details, which only the log gets.
 */
import { STATUS_CODES } from "node:http";

import { errorText } from "../logging.js";

/** An error that the caller made and is told about. */
export class HttpError extends Error {
  /**
   * @param {number} status from 400 to 499
   * @param {string} detail one sentence for the caller
   */
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

/**
 * Refuse a path that no route has.
 *
 * @type {import("express").RequestHandler}
 */
export const notFound = () => {
  throw new HttpError(404, "There is nothing at this address.");
};

/**
 * Refuse a method that a route does not have.
 *
 * @type {import("express").RequestHandler}
 */
export const methodNotAllowed = (_request, response) => {
  response.set("Allow", "GET, HEAD");
  throw new HttpError(405, "This address answers GET and HEAD only.");
};

/**
 * Turn what was thrown into the status and the sentence for the caller.
 *
 * @param {unknown} error
 * @returns {HttpError | undefined} nothing if the error is not the caller's
 */
function blame(error) {
  if (error instanceof HttpError) return error;
  // What the router throws for a path such as /api/items/%zz; one without a status is a fault of ours.
  if (error instanceof URIError && "status" in error)
    return new HttpError(400, "The address is not well formed.");
  return undefined;
}

/**
 * Answer errors.
 *
 * @param {import("../logging.js").Log} log
 * @returns {import("express").ErrorRequestHandler}
 */
export function errorAnswer(log) {
  // Express tells an error handler by its four parameters.
  return (error, _request, response, _next) => {
    const request_id = response.locals.requestId;
    const known = blame(error);
    if (!known) log.error("unhandled", { request_id, error: errorText(error) });
    const { status, message: detail } = known ?? { status: 500, message: "See the log." };
    response.statusCode = status;
    // A half-sent answer can only be broken off.
    if (response.headersSent) response.destroy();
    else response.json({ error: STATUS_CODES[status], detail, request_id });
  };
}
