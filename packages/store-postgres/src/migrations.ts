import { WaybillError } from "@waybill/core";
import { createHash } from "node:crypto";
import type { Ask, Database } from "./database.ts";

/**
 * The steps from nothing to the present schema, oldest first. A step that was released is never
 * changed: a new one is added behind it. `log.schema` is the number of the last step.
 *
 * Names compare as bytes, so that no upgrade of the system's collations can damage an index. Data
 * is text, since neither `json` nor `jsonb` gives back every JSON value as it came.
 */
const migrations: readonly string[] = [
  `CREATE TABLE log (
     one boolean PRIMARY KEY DEFAULT true CHECK (one),
     id text NOT NULL,
     schema integer NOT NULL,
     tx_offset bigint NOT NULL
   );
   CREATE TABLE events (
     position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
     tx bigint NOT NULL,
     stream text COLLATE "C" NOT NULL,
     version integer NOT NULL,
     id text COLLATE "C" NOT NULL UNIQUE,
     type text COLLATE "C" NOT NULL,
     schema bigint NOT NULL,
     recorded_at double precision NOT NULL,
     causation text COLLATE "C",
     must_understand boolean NOT NULL,
     data text NOT NULL,
     UNIQUE (stream, version)
   );
   CREATE INDEX events_in_order ON events (tx, position);
   CREATE TABLE leases (
     name text COLLATE "C" PRIMARY KEY,
     epoch bigint NOT NULL,
     owner text,
     life text,
     held_until timestamptz NOT NULL
   );
   INSERT INTO log (id, schema, tx_offset) VALUES (gen_random_uuid()::text, 0, 0);`,
  `CREATE TABLE checkpoints (
     name text COLLATE "C" PRIMARY KEY,
     value text COLLATE "C"
   );`,
  `CREATE TABLE payloads (
     reference text COLLATE "C" PRIMARY KEY,
     data text NOT NULL
   );
   CREATE INDEX events_by_payload ON events (data COLLATE "C") WHERE left(data, 1) = '@';`,
];

/** Brings the schema to the newest step, one process at a time, and gives the log's id. */
export async function migrate(database: Database, schema: string): Promise<string> {
  return database.transaction(async (ask) => {
    await ask(`SELECT pg_advisory_xact_lock(${lockKey(schema)})`);
    const found = await findSchema(ask, schema);
    if (found === "missing") await ask(`CREATE SCHEMA IF NOT EXISTS "${schema}"`);
    const version = found === "ours" ? await checkVersion(ask, schema, database.place) : 0;
    if (found === "foreign") throw foreign(schema, database.place);
    for (const step of migrations.slice(version)) await ask(step);
    if (version < migrations.length) await ask(`UPDATE log SET schema = ${migrations.length}`);
    await mendOrder(ask);
    const [log] = await ask("SELECT id FROM log");
    return String(log?.["id"]);
  }, OPEN_RETRY_MS);
}

async function findSchema(
  ask: Ask,
  schema: string,
): Promise<"missing" | "empty" | "ours" | "foreign"> {
  const [found] = await ask(
    `SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = '${schema}') AS there,
       EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE n.nspname = '${schema}' AND c.relkind IN ('r', 'v', 'm', 'p')) AS filled,
       (SELECT count(*) FROM information_schema.columns WHERE table_schema = '${schema}'
         AND table_name = 'log' AND column_name IN ('id', 'schema', 'tx_offset')) AS columns`,
  );
  if (found?.["there"] !== true) return "missing";
  if (Number(found["columns"]) === 3) return "ours";
  return found["filled"] === true ? "foreign" : "empty";
}

async function checkVersion(ask: Ask, schema: string, place: string): Promise<number> {
  const [log] = await ask("SELECT schema FROM log");
  const version = Number(log?.["schema"]);
  if (version <= migrations.length) return version;
  const message = `The store in the schema ${schema} of ${place} was written by a newer release (its schema is ${version}, this release knows ${migrations.length}). Install that release, or restore a backup from before the upgrade.`;
  throw new WaybillError("STORE_TOO_NEW", message, {
    details: { place, schema, version, known: migrations.length },
  });
}

function foreign(schema: string, place: string): WaybillError {
  const message = `The schema ${schema} of ${place} belongs to another program. Choose another name for the store's schema.`;
  return new WaybillError("STORE_FOREIGN", message, { details: { place, schema } });
}

/**
 * A log that was restored from a dump into a younger server has events of transactions that this
 * server has not reached yet: what is appended next would be ordered before them and never be read.
 * The offset lifts this server's transactions above all that are there.
 */
async function mendOrder(ask: Ask): Promise<void> {
  const ahead = `SELECT FROM events, log
    WHERE events.tx >= pg_snapshot_xmax(pg_current_snapshot())::text::bigint + log.tx_offset LIMIT 1`;
  if ((await ask(ahead)).length === 0) return;
  await ask("LOCK TABLE events IN EXCLUSIVE MODE");
  await ask(
    `UPDATE log SET tx_offset = (SELECT max(tx) FROM events) + 1
       - pg_snapshot_xmin(pg_current_snapshot())::text::bigint`,
  );
}

/** A number for the advisory lock: other programs and other schemas have others. */
function lockKey(schema: string): string {
  return createHash("sha256").update(`waybill/${schema}`).digest().readBigInt64BE().toString();
}

const OPEN_RETRY_MS = 3_000;
