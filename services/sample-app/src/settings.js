/**
 * The settings of the process: read once at start, from environment variables, and checked there, so
 * that a wrong value ends the start instead of the first request that needs it.
 */

/**
 * @typedef {object} Settings
 * @property {string} service the service's own name
 * @property {number} port where to listen
 * @property {string} environment the environment's name
 * @property {string} version of the release that runs
 * @property {string} logLevel the least level that is logged
 * @property {number} drainSeconds to go on serving after the order to end
 */

/** The levels of log lines, the most urgent first. */
export const LOG_LEVELS = { error: 0, warning: 1, info: 2, debug: 3 };

/** @type {Record<string, {fallback: string, allowed: string, fits: (value: string) => boolean}>} */
const VARIABLES = {
  PORT: {
    fallback: "3000",
    allowed: "a whole number from 1 to 65535",
    fits: (value) => /^[0-9]{1,5}$/.test(value) && Number(value) >= 1 && Number(value) <= 65535,
  },
  APP_ENV: {
    fallback: "production",
    allowed: "1 to 63 letters, digits, dots, dashes and underscores",
    fits: (value) => /^[A-Za-z0-9._-]{1,63}$/.test(value),
  },
  APP_VERSION: {
    fallback: "unknown",
    allowed: "1 to 128 printable characters",
    fits: (value) => /^\P{C}{1,128}$/u.test(value),
  },
  LOG_LEVEL: {
    fallback: "info",
    allowed: "debug, info, warning or error",
    fits: (value) => Object.hasOwn(LOG_LEVELS, value),
  },
  DRAIN_SECONDS: {
    fallback: "3",
    allowed: "a number from 0 to 60",
    fits: (value) => /^[0-9.]{1,8}$/.test(value) && Number(value) <= 60,
  },
};

/** An environment variable that has a value which it must not have. */
export class SettingsError extends Error {}

/**
 * Read the settings.
 *
 * @param {NodeJS.ProcessEnv} env
 * @returns {Readonly<Settings>}
 * @throws {SettingsError} which names the variable, its value and what is allowed, in one line
 */
export function readSettings(env) {
  const values = Object.fromEntries(
    Object.entries(VARIABLES).map(([name, { fallback, allowed, fits }]) => {
      const value = env[name] ?? fallback;
      if (!fits(value)) {
        throw new SettingsError(`${name} is ${JSON.stringify(value)}: allowed is ${allowed}.`);
      }
      return [name, value];
    }),
  );
  return Object.freeze({
    service: "sample-app",
    port: Number(values.PORT),
    environment: String(values.APP_ENV),
    version: String(values.APP_VERSION),
    logLevel: String(values.LOG_LEVEL),
    drainSeconds: Number(values.DRAIN_SECONDS),
  });
}
