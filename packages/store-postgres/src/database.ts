// The one file that touches the driver.
import { isWaybillError } from "@waybill/core";
import { Client, Pool } from "pg";
import type { ClientBase, ClientConfig, PoolClient } from "pg";
import { setTimeout as pause } from "node:timers/promises";
import { failureFrom, storeClosed, troubleOf } from "./failure.ts";

/** One statement. Prepared once a connection, under its name. */
export interface Statement {
  readonly name: string;
  readonly text: string;
}

/** A row, by the names of its columns; 64-bit integers are text. */
export type Row = Readonly<Record<string, unknown>>;

/** A row as its columns in their order: half the cost of names where there are many rows. */
export type Cells = readonly unknown[];

/** Asks inside of a transaction. */
export type Ask = (text: string, values?: readonly unknown[]) => Promise<readonly Row[]>;

/** How the server is used. */
export interface DatabaseOptions {
  readonly config: ClientConfig;
  readonly schema: string;
  readonly poolSize: number;
  readonly statementTimeoutMs: number;
}

/** A connection of its own, outside the pool. */
export interface Line {
  /** Whether the connection is gone. */
  readonly isLost: boolean;
  ask(text: string, values?: readonly unknown[]): Promise<void>;
  end(): Promise<void>;
}

/** The connections to one database. */
export class Database {
  /** Host, port and database, without user or password. */
  readonly place: string;
  readonly #options: DatabaseOptions;
  readonly #pool: Pool;
  readonly #ready = new WeakSet<ClientBase>();
  #closed = false;

  constructor(options: DatabaseOptions) {
    this.#options = options;
    const { host, port, database } = new Client(options.config);
    this.place = `${host}:${port}/${database ?? ""}`;
    this.#pool = new Pool({
      ...this.#config(),
      max: options.poolSize,
      idleTimeoutMillis: 60_000,
      allowExitOnIdle: true,
    });
    // A connection can die at any time, used or not: the next call notices and makes another.
    this.#pool.on("error", () => undefined);
    this.#pool.on("connect", (client) => client.on("error", () => undefined));
  }

  /**
   * Asks, and asks again where the connection was lost, for a few seconds: to be used only for what
   * may be done twice. Throws an error of ours; a collision comes as the driver threw it.
   */
  async ask(
    statement: Statement,
    values: readonly unknown[],
    retryMs: number = RETRY_MS,
  ): Promise<readonly Row[]> {
    const result = await this.#repeat(retryMs, (client) =>
      client.query<Record<string, unknown>>({ ...statement, values: [...values] }),
    );
    return takeRows(result);
  }

  /** The same for many rows. */
  async askCells(statement: Statement, values: readonly unknown[]): Promise<readonly Cells[]> {
    const result = await this.#repeat(RETRY_MS, (client) =>
      client.query<unknown[]>({ ...statement, values: [...values], rowMode: "array" }),
    );
    return takeRows(result);
  }

  /** Does all of it in one transaction, or none; for what may be done twice. */
  transaction<T>(body: (ask: Ask) => Promise<T>, retryMs: number = RETRY_MS): Promise<T> {
    return this.#repeat(retryMs, async (client) => {
      await client.query("BEGIN");
      const result = await body(
        async (text, values) =>
          (
            await client.query<Record<string, unknown>>(
              text,
              values === undefined ? undefined : [...values],
            )
          ).rows,
      );
      await client.query("COMMIT");
      return result;
    });
  }

  /** Makes a connection of its own. Without calls under way it does not keep the process alive. */
  async line(on: { readonly heard: () => void; readonly lost: () => void }): Promise<Line> {
    const client = new Client({ ...this.#config(), application_name: "waybill hints" });
    client.on("error", () => undefined); // "end" follows
    let isLost = false;
    client.on("end", () => {
      isLost = true;
      on.lost();
    });
    // What this process appended it knows already.
    client.on("notification", ({ processId }) => {
      if (processId !== undeclared(client).processID) on.heard();
    });
    try {
      await client.connect();
      await client.query(this.#setUp());
      // A hint may be lost, so it waits for no disk. It would also hold up the order meanwhile: a
      // notification takes a transaction number, and nothing above one that is open is settled.
      await client.query("SET synchronous_commit TO off");
    } catch (error) {
      await client.end().catch(() => null);
      throw failureFrom(error, this.place, false);
    }
    undeclared(client).unref();
    return {
      get isLost() {
        return isLost;
      },
      ask: async (text, values = []) => {
        await client.query(text, [...values]);
      },
      end: () => client.end(),
    };
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#pool.end();
  }

  async #repeat<T>(retryMs: number, work: (client: PoolClient) => Promise<T>): Promise<T> {
    const until = Date.now() + retryMs;
    let sent = false;
    for (let delayMs = 20; ; delayMs = Math.min(delayMs * 2, 500)) {
      if (this.#closed) throw storeClosed();
      let client: PoolClient | null = null;
      try {
        client = await this.#connection();
        const result = await work(client);
        client.release();
        return result;
      } catch (error) {
        sent ||= client !== null;
        // Whatever state it is in, a connection with an error is not used again.
        client?.release(true);
        // What a rule of ours threw in the middle of it, or what must be judged anew by the caller.
        const trouble = troubleOf(error);
        if (isWaybillError(error) || trouble === "collision") throw error;
        if (this.#closed) throw storeClosed();
        if (trouble === "other" || Date.now() >= until) throw failureFrom(error, this.place, sent);
      }
      await pause(delayMs);
    }
  }

  /** A connection of the pool, with the settings that every statement here relies on. */
  async #connection(): Promise<PoolClient> {
    const client = await this.#pool.connect();
    if (this.#ready.has(client)) return client;
    try {
      await client.query(this.#setUp());
    } catch (error) {
      client.release(true);
      throw error;
    }
    this.#ready.add(client);
    return client;
  }

  #config(): ClientConfig & { readonly query_timeout: number } {
    const { config, statementTimeoutMs } = this.#options;
    return {
      ...config,
      connectionTimeoutMillis: CONNECT_MS,
      // The server's own limit comes first, unless the network between is cut.
      query_timeout: statementTimeoutMs + GRACE_MS,
    };
  }

  #setUp(): string {
    const { schema, statementTimeoutMs } = this.#options;
    return [
      `SET search_path TO "${schema}"`,
      `SET statement_timeout TO ${statementTimeoutMs}`,
      `SET idle_in_transaction_session_timeout TO ${statementTimeoutMs + GRACE_MS}`,
      "SET default_transaction_isolation TO 'read committed'",
      "SET client_min_messages TO warning",
      "SET extra_float_digits TO 1",
      // Every statement of ours has an index to go by, and a plan that was made while the log was
      // short must not scan it for ever.
      "SET enable_seqscan TO off",
      // Nor gather the rest of a stream and sort it for the sake of its next page.
      "SET enable_bitmapscan TO off",
      // And one plan for all values: to plan the append of a group takes longer than to carry it out.
      "SET plan_cache_mode TO force_generic_plan",
      "SET jit TO off",
      // Acknowledged means on the disk, whatever the database's own default is.
      "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'",
    ].join("; ");
  }
}

/**
 * The rows, out of the driver's hands: it keeps a result in its query, and one query leads to the
 * next, so that rows that nobody needs any more survive collections by the thousand, which took more
 * time than reading them.
 */
function takeRows<T>(result: { rows: T[] }): readonly T[] {
  const { rows } = result;
  result.rows = [];
  return rows;
}

/** What the driver has and documents, and its types leave out. */
function undeclared(client: Client): { readonly processID: number | null; unref(): void } {
  return client as unknown as { readonly processID: number | null; unref(): void };
}

const RETRY_MS = 10_000;
const CONNECT_MS = 5_000;
const GRACE_MS = 5_000;
