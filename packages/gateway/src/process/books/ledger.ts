import { randomUUID } from "node:crypto";
import type { MeterReading } from "@waybill/core";
import type { LedgerOwner } from "../../way-spec.ts";
import { openCharge } from "./charge.ts";
import type { Charge, ChargeTerms } from "./charge.ts";
import { LedgerFile } from "./ledger-file.ts";
import { readLedger, tokensOfReading } from "./ledger-lines.ts";
import type { Begun, LedgerLine, ReadLedger, Spent } from "./ledger-lines.ts";
import { refusalCounts } from "./refusal-counts.ts";
import type { RefusalCounts } from "./refusal-counts.ts";

/** A request of four bytes a token: what text has, until the model has said better. */
const FIRST_DENSITY = 0.25;
/** Readings in one answer. */
const BATCH = 64;

type New<Reading> = Reading extends MeterReading ? Omit<Reading, "mark"> : never;

/** What one session has spent, on disk, and what its host has yet to hear of it. */
export class Ledger {
  readonly #file: LedgerFile;
  readonly #read: ReadLedger;
  readonly #live = new Set<Charge>();
  readonly #waiters = new Set<() => void>();
  readonly #refusals: RefusalCounts;
  #begun = 0;
  /** The last reading that is on disk: no other is handed over, or a crash would use its number twice. */
  #written: number;

  constructor(path: string, of: LedgerOwner) {
    this.#file = new LedgerFile(path);
    const text = this.#file.read();
    const known = text === "" ? null : readLedger(text);
    if (known === null && text !== "")
      process.stderr.write(`The ledger ${path} is unreadable: a new one takes its place.\n`);
    this.#read = known ?? freshLedger(of);
    this.#read.of = { owner: of.owner, sessionId: of.sessionId };
    this.#written = this.#read.seq;
    this.#refusals = refusalCounts((refused) => this.#record({ type: "refused", ...refused }));
    // Also where the last line was torn: what follows must not continue it.
    if (known === null || known.begun.size > 0 || !text.endsWith("\n")) this.#compact();
    for (const begun of this.#read.begun.values()) this.#closeLost(begun);
  }

  get id(): string {
    return this.#read.id;
  }

  /** Input tokens per byte of a request. */
  get density(): number {
    return this.#read.density;
  }

  set density(tokensPerByte: number) {
    this.#read.density = tokensPerByte;
  }

  /** Whether a cap on bytes rests on these books. */
  set holdsBytes(holds: boolean) {
    this.#read.holdsBytes = holds;
  }

  /** With what is under way, as far as it is known. */
  get spent(): Spent {
    let { tokens, usd, bytes } = this.#read.spent;
    for (const { soFar } of this.#live) {
      tokens += soFar.tokens;
      usd += soFar.usd;
      bytes += soFar.bytes;
    }
    return { tokens, usd, bytes };
  }

  /** The host has recorded this much: what these books lack, they lost, or another machine's have. */
  raise(known: { readonly tokens: number; readonly usd: number }): void {
    const { spent } = this.#read;
    const tokens = Math.max(0, known.tokens - spent.tokens);
    const usd = Math.max(0, known.usd - spent.usd);
    // The same sum may come out a little different when it is added in another order.
    if (tokens === 0 && usd < 1e-9) return;
    this.#begin();
    spent.tokens += tokens;
    spent.usd += usd;
    this.#file.append({ type: "raised", tokens, usd });
  }

  /** Opens the account of one request. */
  charge(terms: ChargeTerms): Charge {
    const charge = openCharge(terms, {
      density: () => this.density,
      learn: (density) => void (this.density = density),
      begin: (begun) => {
        this.#begun += 1;
        const line: Begun = { n: this.#begun, ...begun };
        this.#begin();
        this.#file.append({ type: "begun", ...line });
        return this.#begun;
      },
      end: (n, bytes, reading) => {
        this.#live.delete(charge);
        this.#end(n, bytes, reading);
      },
    });
    this.#live.add(charge);
    return charge;
  }

  /** Counts a refusal. */
  refuse(runId: string, reason: string, model: string | null): void {
    this.#refusals.count(runId, reason, model);
  }

  /**
   * The readings after this number: at once if there are any, else when there are some, and none
   * when `waitMs` have passed. What is before it may be forgotten.
   */
  async readings(after: number, waitMs: number): Promise<readonly MeterReading[]> {
    const now = this.take(after);
    if (now.length > 0 || waitMs === 0) return now;
    await this.#grown(waitMs);
    return this.take(after);
  }

  /** As `readings`, without waiting. */
  take(after: number): readonly MeterReading[] {
    this.#begin();
    if (this.#file.flush()) this.#written = this.#read.seq;
    const { readings } = this.#read;
    const next = readings.findIndex(({ mark }) => mark.seq > after);
    readings.splice(0, next === -1 ? readings.length : next);
    return readings.filter(({ mark }) => mark.seq <= this.#written).slice(0, BATCH);
  }

  /** Writes what was only counted, and makes the file short. */
  close(): void {
    this.#refusals.flush();
    this.#compact();
    this.#file.close();
    for (const wake of this.#waiters) wake();
  }

  /** Nothing of it stays, and what still ends in it is written nowhere. */
  erase(): void {
    this.#file.remove();
    this.#refusals.flush();
    for (const wake of this.#waiters) wake();
  }

  #end(n: number | null, bytes: number, reading: New<MeterReading> | null): void {
    this.#begin();
    const { spent } = this.#read;
    spent.bytes += bytes;
    if (n === null && bytes === 0) return;
    if (reading === null) {
      this.#file.append({ type: "ended", n, bytes, reading });
      return;
    }
    const marked = this.#mark(reading);
    if (marked.type === "usage") {
      spent.tokens += tokensOfReading(marked);
      spent.usd += marked.costUsd ?? 0;
    }
    this.#write({ type: "ended", n, bytes, reading: marked });
  }

  /** The process died while the request was with the model: the model will have worked on it. */
  #closeLost({ n, runId, at, model, tokens, usd }: Begun): void {
    this.#end(n, 0, {
      type: "usage",
      runId,
      at,
      model,
      inputTokens: tokens,
      outputTokens: 0,
      cacheReadTokens: 0,
      cacheWriteTokens: 0,
      costUsd: usd,
      estimated: true,
    });
  }

  #record(reading: New<Extract<MeterReading, { type: "refused" }>>): void {
    this.#begin();
    this.#write({ type: "refused", reading: this.#mark(reading) });
  }

  #mark(reading: New<MeterReading>): MeterReading {
    this.#read.seq += 1;
    return { ...reading, mark: { ledger: this.id, seq: this.#read.seq } };
  }

  #write(line: Extract<LedgerLine, { readonly reading: MeterReading | null }>): void {
    if (line.reading !== null) this.#read.readings.push(line.reading);
    if (this.#file.append(line)) this.#written = this.#read.seq;
    for (const wake of this.#waiters) wake();
  }

  /** Where the disk refused the first line, it is tried again before anything changes. */
  #begin(): void {
    if (!this.#file.isStarted) this.#compact();
  }

  #compact(): void {
    const { id, seq, spent, density, of, holdsBytes, readings, begun } = this.#read;
    const owner = of === null ? {} : { of };
    const isWritten = this.#file.rewrite([
      { type: "ledger", v: 1, id, seq, spent, density, ...owner, holdsBytes },
      ...readings.map((reading) => ({ type: "kept", reading }) as const),
      ...[...begun.values()].map((each) => ({ type: "begun", ...each }) as const),
    ]);
    if (isWritten) this.#written = seq;
  }

  async #grown(waitMs: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const wake = (): void => {
        clearTimeout(timer);
        this.#waiters.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, waitMs);
      this.#waiters.add(wake);
    });
  }
}

function freshLedger(of: LedgerOwner): ReadLedger {
  return {
    id: randomUUID(),
    seq: 0,
    spent: { tokens: 0, usd: 0, bytes: 0 },
    density: FIRST_DENSITY,
    of,
    holdsBytes: false,
    readings: [],
    begun: new Map(),
    unreadable: 0,
  };
}
