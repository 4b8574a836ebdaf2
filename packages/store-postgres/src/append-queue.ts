import { WaybillError } from "@waybill/core";
import type { AppendAnswer, AppendRequest } from "./append-group.ts";

/** How the queue of a store is bounded. */
export interface AppendQueueOptions {
  /** How many groups may be under way at once. */
  readonly lanes: number;
  readonly write: (group: readonly AppendRequest[]) => Promise<readonly AppendAnswer[]>;
}

/**
 * Appends that wait for the server. What gathers while all lanes are busy leaves together, so the
 * slower the server, the more appends share one round trip and one commit. Of one stream only one
 * append is under way at a time, so that each stream keeps the order in which it was asked.
 */
export class AppendQueue {
  readonly #options: AppendQueueOptions;
  readonly #streams = new Map<string, Waiting[]>();
  /** The streams with something that waits and nothing under way, in the order of their first. */
  readonly #ready = new Set<string>();
  readonly #lanes = new Set<Promise<void>>();
  #bytes = 0;
  #scheduled = false;

  constructor(options: AppendQueueOptions) {
    this.#options = options;
  }

  /** Resolves with how the append ended. Throws `STORE_BUSY` where too much waits. */
  push(append: AppendRequest): Promise<AppendAnswer> {
    const bytes = bytesOf(append);
    if (this.#bytes > 0 && this.#bytes + bytes > QUEUE_BYTES) return Promise.reject(this.#busy());
    this.#bytes += bytes;
    const { promise, resolve } = Promise.withResolvers<AppendAnswer>();
    const waiting = this.#streams.get(append.stream);
    if (waiting === undefined) {
      this.#streams.set(append.stream, [{ append, bytes, resolve }]);
      this.#ready.add(append.stream);
    } else {
      waiting.push({ append, bytes, resolve });
    }
    this.#schedule();
    return promise;
  }

  /** Resolves once nothing waits. */
  async drained(): Promise<void> {
    while (this.#streams.size > 0) {
      this.#start();
      await Promise.race(this.#lanes);
    }
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    // What is asked in the same breath leaves together.
    process.nextTick(() => {
      this.#scheduled = false;
      this.#start();
    });
  }

  #start(): void {
    while (this.#lanes.size < this.#options.lanes && this.#ready.size > 0) {
      const lane = this.#write(this.#takeGroup()).then(() => {
        this.#lanes.delete(lane);
        this.#schedule();
      });
      this.#lanes.add(lane);
    }
  }

  /** The first of each stream that is ready, as many as fit. */
  #takeGroup(): readonly Waiting[] {
    const group: Waiting[] = [];
    let bytes = 0;
    for (const stream of this.#ready) {
      const first = this.#streams.get(stream)?.[0];
      if (first === undefined) continue;
      if (group.length > 0 && (bytes + first.bytes > GROUP_BYTES || group.length === GROUP_APPENDS))
        break;
      bytes += first.bytes;
      group.push(first);
      this.#ready.delete(stream);
    }
    return group;
  }

  async #write(group: readonly Waiting[]): Promise<void> {
    const answers = await this.#options
      .write(group.map(({ append }) => append))
      .catch((error: unknown) => group.map(() => ({ type: "failed", error }) as const));
    for (const [place, { append, bytes, resolve }] of group.entries()) {
      const missing = new RangeError("The server left out an answer.");
      resolve(answers[place] ?? { type: "failed", error: missing });
      this.#bytes -= bytes;
      this.#leave(append.stream);
    }
  }

  #leave(stream: string): void {
    const waiting = this.#streams.get(stream) ?? [];
    waiting.shift();
    if (waiting.length === 0) this.#streams.delete(stream);
    else this.#ready.add(stream);
  }

  #busy(): WaybillError {
    const message = `The PostgreSQL store cannot keep up: ${this.#bytes} bytes wait for the server. Wait and append again.`;
    return new WaybillError("STORE_BUSY", message, {
      class: "rate",
      retryAfterMs: BUSY_RETRY_MS,
      details: { waitingBytes: this.#bytes, limitBytes: QUEUE_BYTES },
    });
  }
}

interface Waiting {
  readonly append: AppendRequest;
  readonly bytes: number;
  readonly resolve: (answer: AppendAnswer) => void;
}

function bytesOf({ events }: AppendRequest): number {
  return events.reduce(
    (sum, { data, payload }) => sum + (payload ?? data).length + ENVELOPE_BYTES,
    0,
  );
}

const ENVELOPE_BYTES = 256;
const GROUP_APPENDS = 256;
const GROUP_BYTES = 4 * 1024 * 1024;
const QUEUE_BYTES = 64 * 1024 * 1024;
const BUSY_RETRY_MS = 250;
