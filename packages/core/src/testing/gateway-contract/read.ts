import assert from "node:assert/strict";
import type { Gateway, MeterMarks, MeterReading, MeteredSession } from "../../ports/gateway.ts";
import type { ContractAsk } from "../gateway-contract.ts";

/** How the clauses read books, each reading bounded by the suite's patience. */
export interface BookReader {
  /** All that there is after these marks; everything is acknowledged. */
  all(
    gateway: Gateway,
    session: MeteredSession,
    after?: MeterMarks,
  ): Promise<readonly MeterReading[]>;
  /** The first batch, without acknowledging it: as if the host had died before it was recorded. */
  firstBatch(gateway: Gateway, session: MeteredSession): Promise<readonly MeterReading[]>;
  /** Follows the books until this many readings have come. */
  follow(
    gateway: Gateway,
    session: MeteredSession,
    enough: number,
  ): Promise<readonly MeterReading[]>;
}

/** A reader that waits this long, in milliseconds. */
export function reader(patienceMs: number): BookReader {
  const patience = (): AbortSignal => AbortSignal.timeout(patienceMs);
  return {
    async all(gateway, session, after = {}) {
      const readings: MeterReading[] = [];
      const signal = patience();
      for await (const batch of gateway.readings(session, { after, follow: false, signal })) {
        readings.push(...batch);
      }
      assert.ok(!signal.aborted, "the readings did not end by themselves");
      return readings;
    },
    async firstBatch(gateway, session) {
      const signal = patience();
      for await (const batch of gateway.readings(session, { after: {}, follow: false, signal })) {
        return batch;
      }
      return [];
    },
    async follow(gateway, session, enough) {
      const readings: MeterReading[] = [];
      const signal = patience();
      for await (const batch of gateway.readings(session, { after: {}, follow: true, signal })) {
        readings.push(...batch);
        if (readings.length >= enough) return readings;
      }
      throw new Error(`Waited ${patienceMs} ms in vain; read ${JSON.stringify(readings)}.`);
    },
  };
}

/** A request of so many tokens, all of them input. */
export function tokens(inputTokens: number, model: string): ContractAsk {
  return { model, inputTokens, outputTokens: 0 };
}

/** What the readings say without where and when: how the clauses compare them. */
export function gistOf(readings: readonly MeterReading[]): readonly object[] {
  return readings.map((reading) =>
    reading.type === "usage"
      ? { type: reading.type, tokens: reading.inputTokens + reading.outputTokens }
      : { type: reading.type, count: reading.count },
  );
}

/** The numbers of the readings, in the order in which they came. */
export function numbersOf(readings: readonly MeterReading[]): readonly number[] {
  return readings.map(({ mark }) => mark.seq);
}

/** The one ledger that all readings stand in. */
export function ledgerOf(readings: readonly MeterReading[]): string {
  const ledgers = new Set(readings.map(({ mark }) => mark.ledger));
  const [ledger] = ledgers;
  assert.ok(ledger !== undefined && ledgers.size === 1, `one ledger: ${JSON.stringify(readings)}`);
  return ledger;
}
