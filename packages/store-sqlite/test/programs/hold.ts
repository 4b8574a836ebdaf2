// Opens the store and holds it until it is killed or its standard input ends.
import { isWaybillError } from "@waybill/core";
import { sqliteStore } from "@waybill/store-sqlite";

const [path = "", lockWaitMs = "500"] = process.argv.slice(2);
const store = sqliteStore({ path, lockWaitMs: Number(lockWaitMs) });
try {
  await store.open();
  process.stdout.write(`holding ${process.pid}\n`);
} catch (error) {
  process.stdout.write(
    `refused ${isWaybillError(error) ? `${error.code} ${error.message}` : String(error)}\n`,
  );
}
process.stdin.on("end", () => void store.close()).resume();
