import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { readSettings, SettingsError } from "./settings.js";

describe("settings", () => {
  test("an empty environment gives the defaults", () => {
    assert.deepEqual(readSettings({}), {
      service: "sample-app",
      port: 3000,
      environment: "production",
      version: "unknown",
      logLevel: "info",
      drainSeconds: 3,
    });
  });

  test("each variable sets its setting", () => {
    const env = {
      PORT: "65535",
      APP_ENV: "test-1.eu_west",
      APP_VERSION: "1.2.3 (a1b2c3)",
      LOG_LEVEL: "warning",
      DRAIN_SECONDS: "0.5",
    };
    assert.deepEqual(readSettings(env), {
      service: "sample-app",
      port: 65535,
      environment: "test-1.eu_west",
      version: "1.2.3 (a1b2c3)",
      logLevel: "warning",
      drainSeconds: 0.5,
    });
  });

  const REFUSED = {
    PORT: ["", "0", "65536", "http", "-1", "3e3", "123456"],
    APP_ENV: ["", "two words", "a".repeat(64)],
    APP_VERSION: ["", "two\nlines", "v".repeat(129)],
    LOG_LEVEL: ["", "loud", "INFO", "constructor"],
    DRAIN_SECONDS: ["", "soon", "-1", "61", "60.5", "1.2.3", ".", "Infinity"],
  };

  for (const [name, values] of Object.entries(REFUSED)) {
    for (const value of values) {
      test(`${name}=${JSON.stringify(value)} is refused in one line`, () => {
        assert.throws(
          () => readSettings({ [name]: value }),
          (error) => {
            assert.ok(error instanceof SettingsError);
            assert.ok(error.message.startsWith(`${name} is ${JSON.stringify(value)}: allowed is `));
            assert.ok(!error.message.includes("\n"));
            return true;
          },
        );
      });
    }
  }

  test("the message says what is allowed", () => {
    assert.throws(() => readSettings({ PORT: "http" }), {
      message: 'PORT is "http": allowed is a whole number from 1 to 65535.',
    });
  });
});
