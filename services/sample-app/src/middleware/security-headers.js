/**
 * Headers for an API whose answers are data: nothing in them is to be run, framed, guessed or stored.
 */
const HEADERS = {
  "X-Content-Type-Options": "nosniff",
  "X-Frame-Options": "DENY",
  "Referrer-Policy": "no-referrer",
  "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
  "Cache-Control": "no-store",
};

/**
 * Set the headers of every answer, errors included.
 *
 * @type {import("express").RequestHandler}
 */
export const securityHeaders = (_request, response, next) => {
  response.set(HEADERS);
  next();
};
