/**
 * Log lines for programs to read: one JSON object each, with time, level, message and service first.
 */
import winston from "winston";

import { LOG_LEVELS } from "./settings.js";

/** @typedef {winston.Logger} Log */

/**
 * Open the log.
 *
 * @param {Pick<import("./settings.js").Settings, "service" | "logLevel">} settings
 * @param {NodeJS.WritableStream} [stream] where the lines go
 * @returns {Log}
 */
export function createLog({ service, logLevel }, stream = process.stdout) {
  return winston.createLogger({
    levels: LOG_LEVELS,
    level: logLevel,
    format: winston.format.printf(({ level, message, ...fields }) =>
      JSON.stringify({ time: new Date().toISOString(), level, message, service, ...fields }),
    ),
    transports: [new winston.transports.Stream({ stream })],
  });
}

/**
 * Describe an error for a log line: what was thrown, with its stack where it has one.
 *
 * @param {unknown} error
 * @returns {string}
 */
export function errorText(error) {
  return error instanceof Error && error.stack ? error.stack : String(error);
}
