/** The items that the API answers with. */

/** @typedef {Readonly<{id: number, name: string, state: string}>} Item */

/** @type {readonly Item[]} */
export const ITEMS = Object.freeze([
  Object.freeze({ id: 1, name: "format", state: "ready" }),
  Object.freeze({ id: 2, name: "test", state: "ready" }),
  Object.freeze({ id: 3, name: "ship", state: "ready" }),
]);
