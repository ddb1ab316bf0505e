/** The image's health check: ends with 0 if the service that runs beside it is alive. */
import { readSettings } from "./settings.js";

const { port } = readSettings(process.env);
const healthy = await fetch(`http://127.0.0.1:${port}/health`).then(
  ({ ok }) => ok,
  () => false,
);
process.exit(Number(!healthy));
