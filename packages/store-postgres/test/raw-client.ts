import { Client } from "pg";
import type { QueryResult } from "pg";

/** A connection that is no store's, to bring about what a store must withstand. */
export async function rawClient(
  url: string,
  schema: string,
): Promise<AsyncDisposable & { readonly query: (text: string) => Promise<QueryResult> }> {
  const client = new Client({ connectionString: url });
  client.on("error", () => undefined);
  await client.connect();
  await client.query(`SET search_path TO "${schema}"`);
  return {
    query: (text) => client.query(text),
    [Symbol.asyncDispose]: () => client.end(),
  };
}

/** Inserts an event behind the store's back, as another process's append would, and without a hint. */
export function rawInsert(stream: string, id: string): string {
  return `INSERT INTO events (tx, stream, version, id, type, schema, recorded_at, must_understand, data)
    VALUES (pg_current_xact_id()::text::bigint + (SELECT tx_offset FROM log), '${stream}', 1, '${id}',
      'Noted', 1, 0, true, '{}')`;
}
