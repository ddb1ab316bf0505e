import { ITEMS } from "../items.js";
import { HttpError } from "../middleware/errors.js";

/**
 * `GET /api/items/{id}`: one item. Ids are compared as they are written: "02" is not "2".
 *
 * @returns {import("express").RequestHandler}
 */
export function item() {
  return (request, response) => {
    const found = ITEMS.find(({ id }) => String(id) === request.params.id);
    if (!found) throw new HttpError(404, "There is no such item.");
    response.json(found);
  };
}
