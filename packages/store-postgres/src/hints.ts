import { setTimeout as pause } from "node:timers/promises";
import { createHash } from "node:crypto";
import type { Logger } from "@waybill/core";
import type { Database, Line } from "./database.ts";
import type { WakeUp } from "./wake-up.ts";

/**
 * Tells other processes that there is something to read, and hears it from them, on a connection of
 * its own: in the append's transaction a notification would make appends wait for one another. It
 * may get lost; whoever waits for it looks from time to time anyway.
 */
export class Hints {
  readonly #database: Database;
  readonly #channel: string;
  readonly #grown: WakeUp;
  readonly #logger: Logger | undefined;
  readonly #closing = new AbortController();
  #line: Line | null = null;
  #isListening = false;
  #isDue = false;
  #telling: Promise<void> | null = null;

  constructor(options: {
    readonly database: Database;
    readonly schema: string;
    readonly grown: WakeUp;
    readonly logger: Logger | undefined;
  }) {
    this.#database = options.database;
    this.#channel = channelOf(options.schema);
    this.#grown = options.grown;
    this.#logger = options.logger;
  }

  /** Wakes who waits in this process, and tells the others soon. */
  appended(): void {
    this.#grown.wake();
    this.#isDue = true;
    this.#tell();
  }

  /** Begins to listen. A failure is logged and tried again: without hints everything is only later. */
  async open(): Promise<void> {
    await this.#connect(FIRST_RETRY_MS);
  }

  /** Tells what is still due, and lets the connection go. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#telling;
    this.#isListening = false;
    await this.#line?.end().catch(() => null);
  }

  #warn(error: unknown): void {
    if (this.#closing.signal.aborted) return;
    const details = { place: this.#database.place, error: String(error) };
    this.#logger?.warn("The store hears no hints, and looks by itself meanwhile.", details);
  }

  async #connect(retryMs: number): Promise<void> {
    try {
      const line = await this.#database.line({
        heard: () => this.#grown.wake(),
        lost: () => this.#lost(),
      });
      this.#line = line;
      await line.ask(`LISTEN "${this.#channel}"`);
      // Something may have come while nobody listened.
      this.#grown.wake();
      this.#tell();
    } catch (error) {
      this.#warn(error);
      await this.#line?.end().catch(() => null);
      this.#line = null;
    }
    if (this.#closing.signal.aborted) await this.#line?.end().catch(() => null);
    else if (this.#line === null || this.#line.isLost) void this.#connectLater(retryMs);
    else this.#isListening = true;
  }

  async #connectLater(retryMs: number): Promise<void> {
    const options = { ref: false, signal: this.#closing.signal };
    await pause(retryMs, null, options).catch(() => null);
    if (!this.#closing.signal.aborted) await this.#connect(Math.min(retryMs * 2, LAST_RETRY_MS));
  }

  #lost(): void {
    // While it is being made, whoever makes it notices.
    if (!this.#isListening) return;
    this.#isListening = false;
    this.#line = null;
    void this.#connectLater(FIRST_RETRY_MS);
  }

  #tell(): void {
    if (this.#isDue && this.#line !== null) this.#telling ??= this.#tellWhileDue(this.#line);
  }

  /** One notification for all the appends that came while the last one was on its way. */
  async #tellWhileDue(line: Line): Promise<void> {
    try {
      while (this.#isDue && this.#line === line) {
        this.#isDue = false;
        await line.ask("SELECT pg_notify($1, '')", [this.#channel]);
        await pause(GAP_MS, null, { signal: this.#closing.signal }).catch(() => null);
      }
    } catch {
      // The connection is lost, which is seen and answered where it ends; this hint is due again.
      this.#isDue = true;
    } finally {
      this.#telling = null;
      if (this.#line !== line) this.#tell();
    }
  }
}

/** At most 63 characters, whatever the schema's name is. */
function channelOf(schema: string): string {
  return `waybill_${createHash("sha256").update(schema).digest("hex").slice(0, 32)}`;
}

const GAP_MS = 3;
const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 5_000;
