/**
 * Give each request an id, by which its answer, its log lines and its error can be brought together. A
 * caller's own is kept if it is printable ASCII of at most 128 characters.
 */
import { randomUUID } from "node:crypto";

const HEADER = "X-Request-ID";

/**
 * Set `response.locals.requestId` and the answer's header.
 *
 * @type {import("express").RequestHandler}
 */
export const requestId = (request, response, next) => {
  const given = request.get(HEADER) ?? "";
  const id = /^[ -~]{1,128}$/.test(given) ? given : randomUUID().replaceAll("-", "");
  response.locals.requestId = id;
  response.set(HEADER, id);
  next();
};
