import { WaybillError } from "@waybill/core";
import type { AppendAnswer, AppendRequest } from "./thread/messages.ts";

/** How the queue of a store is bounded. */
export interface AppendQueueOptions {
  readonly path: string;
  /** Bytes that may wait, about. */
  readonly limitBytes: number;
  /** Writes a group; rejects where none of it was written. */
  readonly write: (group: readonly AppendRequest[]) => Promise<readonly AppendAnswer[]>;
}

/**
 * Appends that wait for the disk. While one group is being written the next one gathers, so the
 * longer a sync takes, the more appends share the next.
 */
export class AppendQueue {
  readonly #options: AppendQueueOptions;
  #waiting: Waiting[] = [];
  #bytes = 0;
  #writing: Promise<void> | null = null;

  constructor(options: AppendQueueOptions) {
    this.#options = options;
  }

  /** Resolves once the append is durable, in the order of the calls. `STORE_BUSY` where too much waits. */
  push(append: AppendRequest): Promise<AppendAnswer> {
    const bytes = bytesOf(append);
    if (this.#bytes > 0 && this.#bytes + bytes > this.#options.limitBytes)
      return Promise.reject(this.#busy());
    this.#bytes += bytes;
    const { promise, resolve, reject } = Promise.withResolvers<AppendAnswer>();
    this.#waiting.push({ append, bytes, resolve, reject });
    this.#writing ??= this.#work();
    return promise;
  }

  /** Resolves once nothing waits. */
  async drained(): Promise<void> {
    await this.#writing;
  }

  async #work(): Promise<void> {
    while (this.#waiting.length > 0) {
      // What was answered together asks again together: let all of it in before the group leaves.
      await new Promise<void>((resolve) => process.nextTick(resolve));
      await this.#write(this.#takeGroup());
    }
    this.#writing = null;
  }

  #takeGroup(): readonly Waiting[] {
    let bytes = 0;
    let count = 0;
    for (const waiting of this.#waiting) {
      if (count > 0 && (bytes + waiting.bytes > GROUP_BYTES || count === GROUP_APPENDS)) break;
      bytes += waiting.bytes;
      count += 1;
    }
    return this.#waiting.splice(0, count);
  }

  async #write(group: readonly Waiting[]): Promise<void> {
    try {
      const answers = await this.#options.write(group.map(({ append }) => append));
      for (const [place, waiting] of group.entries()) {
        const answer = answers[place];
        if (answer === undefined)
          waiting.reject(new RangeError("The store's thread left out an answer."));
        else waiting.resolve(answer);
      }
    } catch (error) {
      for (const { reject } of group) reject(error);
    }
    for (const { bytes } of group) this.#bytes -= bytes;
  }

  #busy(): WaybillError {
    const { path, limitBytes } = this.#options;
    const message = `The store ${path} cannot keep up: ${this.#bytes} bytes wait for its disk, and ${limitBytes} may. Wait and append again, or raise queueBytes.`;
    return new WaybillError("STORE_BUSY", message, {
      class: "rate",
      retryAfterMs: BUSY_RETRY_MS,
      details: { path, limitBytes, waitingBytes: this.#bytes },
    });
  }
}

interface Waiting {
  readonly append: AppendRequest;
  readonly bytes: number;
  readonly resolve: (answer: AppendAnswer) => void;
  readonly reject: (error: unknown) => void;
}

function bytesOf({ events }: AppendRequest): number {
  return events.reduce((sum, { data }) => sum + data.length + ENVELOPE_BYTES, 0);
}

const ENVELOPE_BYTES = 256;
const GROUP_APPENDS = 1024;
const GROUP_BYTES = 4 * 1024 * 1024;
const BUSY_RETRY_MS = 250;
