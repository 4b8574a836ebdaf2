import { WaybillError } from "@waybill/core";
import type { Database } from "./database.ts";

/** Throws unless the server can keep the port's promises. */
export async function checkServer(database: Database): Promise<void> {
  const { place } = database;
  const [facts = {}] = await database.ask(FACTS, [], OPEN_RETRY_MS);
  const version = Number(facts["version"]);
  const encoding = String(facts["encoding"]);
  if (version < 130_000) {
    throw unfit(place, `is version ${version / 10_000}`, "Use PostgreSQL 13 or later");
  }
  if (encoding !== "UTF8") {
    throw unfit(place, `keeps text as ${encoding}`, "Make the database with ENCODING 'UTF8'");
  }
  if (facts["fsync"] !== "on" || facts["full_pages"] !== "on") {
    const message = `The PostgreSQL server ${place} does not wait for its disk: what is acknowledged could be lost or torn. Set fsync and full_page_writes to on.`;
    throw new WaybillError("STORE_NOT_DURABLE", message, { details: { place } });
  }
}

function unfit(place: string, finding: string, fix: string): WaybillError {
  const message = `The PostgreSQL server ${place} ${finding}, which this store cannot use. ${fix}.`;
  return new WaybillError("STORE_UNFIT", message, { details: { place } });
}

const FACTS = {
  name: "waybill-facts",
  text: `SELECT current_setting('server_version_num') AS version,
    current_setting('server_encoding') AS encoding, current_setting('fsync') AS fsync,
    current_setting('full_page_writes') AS full_pages`,
};

const OPEN_RETRY_MS = 3_000;
