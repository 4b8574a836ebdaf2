import type { MeterReading } from "../../ports/gateway.ts";

/** A reading that has no place in the books yet. */
export type NewReading = MeterReading extends infer Each
  ? Each extends MeterReading
    ? Omit<Each, "mark">
    : never
  : never;

/** Readings that are handed over in one go. */
const BATCH = 64;

/** What a fake gateway keeps of one session. */
export class FakeBooks {
  /** Its ledger's id. */
  readonly id: string;
  readonly #readings: MeterReading[] = [];
  #seq = 0;
  #tokens = 0;
  #usd = 0;

  constructor(id: string) {
    this.id = id;
  }

  /** What the session has spent. */
  get spent(): { readonly tokens: number; readonly usd: number } {
    return { tokens: this.#tokens, usd: this.#usd };
  }

  /** Whether everything that stands here was said to be recorded. */
  get isSettled(): boolean {
    return this.#readings.length === 0;
  }

  /** The host knows of this much: it counts at least. */
  raise(known: { readonly tokens: number; readonly usd: number }): void {
    this.#tokens = Math.max(this.#tokens, known.tokens);
    this.#usd = Math.max(this.#usd, known.usd);
  }

  /** Writes a reading down under the next number. */
  write(reading: NewReading): void {
    this.#seq += 1;
    this.#readings.push({ ...reading, mark: { ledger: this.id, seq: this.#seq } });
    if (reading.type === "usage") {
      const { inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens } = reading;
      this.#tokens += inputTokens + outputTokens + cacheReadTokens + cacheWriteTokens;
      this.#usd += reading.costUsd ?? 0;
    }
  }

  /** Forgets what is recorded, and gives what comes after it. */
  take(recorded: number): readonly MeterReading[] {
    const next = this.#readings.findIndex(({ mark }) => mark.seq > recorded);
    this.#readings.splice(0, next === -1 ? this.#readings.length : next);
    return this.#readings.slice(0, BATCH);
  }
}
