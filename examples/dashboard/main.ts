// A page that shows the sessions of a store, live, from a process of its own. See README.md.
import { parseArgs } from "node:util";
import { isWaybillError } from "@waybill/core";
import { openDashboard } from "./dashboard.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { port: { type: "string", default: "0" } },
});
const [path] = positionals;
const port = Number(values.port);

try {
  if (path === undefined) throw new TypeError("Which store? Use: main.ts waybill.db [--port 8080]");
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new TypeError(`"${values.port}" is no port. Use a whole number from 0 to 65535.`);
  const { url } = await openDashboard({ path, port });
  console.log(`${path} is shown at ${url}`);
} catch (error) {
  if (!isWaybillError(error) && !(error instanceof TypeError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
