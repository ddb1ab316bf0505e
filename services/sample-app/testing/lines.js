/**
 * Log lines, for tests that wait for one.
 */
import { once } from "node:events";
import { Writable } from "node:stream";

/** @typedef {Record<string, unknown>} Line one line of the log, parsed */

/** Takes a log's text and gives the lines that are asked for. */
export class Lines extends Writable {
  /** @type {Line[]} */
  all = [];

  #begun = "";

  /**
   * @param {Buffer} chunk
   * @param {BufferEncoding} _encoding
   * @param {() => void} done
   * @override
   */
  _write(chunk, _encoding, done) {
    const texts = (this.#begun + chunk.toString()).split("\n");
    this.#begun = String(texts.pop());
    this.all.push(...texts.map((text) => JSON.parse(text)));
    this.emit("lines");
    done();
  }

  /**
   * Wait for a line that has these fields.
   *
   * @param {Line} fields
   * @returns {Promise<Line>}
   */
  async find(fields) {
    for (;;) {
      const found = this.all.find((line) =>
        Object.entries(fields).every(([name, value]) => line[name] === value),
      );
      if (found) return found;
      await once(this, "lines");
    }
  }

  /** @returns {unknown[]} the messages of all lines so far */
  messages() {
    return this.all.map(({ message }) => message);
  }
}
