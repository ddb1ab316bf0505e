import { ITEMS } from "../items.js";

/**
 * `GET /api/items`: all items.
 *
 * @returns {import("express").RequestHandler}
 */
export function items() {
  return (_request, response) => {
    response.json({ items: ITEMS, count: ITEMS.length });
  };
}
