import type { PeerStore } from "./peer-store.ts";
import { messageEvent } from "../store/workload.ts";

/** What the driver has, as far as it is used here. */
interface Client {
  connect(): Promise<void>;
  query(query: {
    readonly name?: string;
    readonly text: string;
    readonly values?: readonly unknown[];
  }): Promise<{ readonly rowCount: number | null }>;
  end(): Promise<void>;
}

/**
 * The least that an append can be in PostgreSQL: one prepared `INSERT` of the same row, with the one
 * index that the versions of a stream need, and one commit. It looks at nothing, knows no repeat, no
 * fence and no order of the log: it is no store, and says only how much of an append is the server's.
 */
export async function bareInsert(driver: unknown, url: string): Promise<PeerStore> {
  const { default: pg } = driver as {
    readonly default: { readonly Client: new (url: string) => Client };
  };
  const client = new pg.Client(url);
  await client.connect();
  await client.query({
    text: `CREATE TABLE bare (position bigint GENERATED ALWAYS AS IDENTITY, stream text, version int,
      id text, type text, recorded_at float8, data text, UNIQUE (stream, version))`,
  });
  return {
    append: async (stream, version) => {
      const { id, type, recordedAt, data } = messageEvent();
      await client.query({
        name: "bare",
        text: `INSERT INTO bare (stream, version, id, type, recorded_at, data)
          VALUES ($1, $2, $3, $4, $5, $6) RETURNING position`,
        values: [stream, version + 1, id, type, recordedAt, JSON.stringify(data)],
      });
    },
    read: async () => 0,
    close: () => client.end(),
  };
}
