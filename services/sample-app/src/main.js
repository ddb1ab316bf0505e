/**
 * The process: settings in, server up, and out again in order. Ends with 0 after SIGTERM or SIGINT,
 * 1 if an error was caught nowhere or a request had to be cut off, 2 if a setting is wrong.
 */
import { createApp } from "./app.js";
import { createLog, errorText } from "./logging.js";
import { Metrics } from "./metrics.js";
import { Readiness } from "./readiness.js";
import { createRoutes } from "./routes.js";
import { Server } from "./server.js";
import { readSettings } from "./settings.js";

/** To finish requests in at the end; with the drain's 3 s below the 30 s that Kubernetes grants. */
const FINISH_SECONDS = 20;

/** Read the settings, or end the process with the line that says what is wrong. */
function settingsOrExit() {
  try {
    return readSettings(process.env);
  } catch (error) {
    process.stderr.write(`${/** @type {Error} */ (error).message}\n`);
    process.exit(2);
  }
}

const settings = settingsOrExit();
const log = createLog(settings);
process.on("uncaughtException", (error) => {
  log.error("uncaught", { error: errorText(error) });
  process.exit(1);
});

const metrics = new Metrics();
const readiness = new Readiness();
const app = createApp(createRoutes(settings, readiness, metrics), log, metrics, readiness);
const server = new Server(app, readiness, log);
const started = server.start(settings.port);

let stopping = false;
for (const signal of ["SIGTERM", "SIGINT"]) {
  process.on(signal, async () => {
    if (stopping) return;
    stopping = true;
    await started;
    const finished = await server.stop(settings.drainSeconds, FINISH_SECONDS);
    process.exit(Number(!finished));
  });
}

await started;
