import { createHash } from "node:crypto";
import type { ExpectedVersion, NewEvent } from "@waybill/core";

/** An event's columns. */
export interface EventRow {
  readonly id: string;
  readonly type: string;
  /** JSON, or the reference to where it is kept. */
  readonly data: string;
  /** The JSON that the reference stands for; null where `data` is the JSON. */
  readonly payload: string | null;
  readonly schema: number;
  readonly recordedAt: number;
  readonly causation: string | null;
  readonly mustUnderstand: boolean;
}

/** The event as its columns: its data as text from now on, whatever the caller does to it. */
export function rowOf(event: NewEvent): EventRow {
  const { id, type, schema, recordedAt, causation, mustUnderstand } = event;
  const json = JSON.stringify(event.data);
  const large = isLarge(json);
  return {
    id,
    type,
    data: large ? referenceOf(json) : json,
    payload: large ? json : null,
    schema,
    recordedAt,
    causation,
    mustUnderstand,
  };
}

/** The version that a stream must have, as the statements take it: no version is below 0. */
export function expectedNumber(expected: ExpectedVersion): number {
  if (expected === "any") return -1;
  if (expected === "exists") return -2;
  return expected === "none" ? 0 : expected;
}

/** The large data of some events, each once, in an order in which nobody waits in a circle. */
export function payloadsOf(
  events: readonly EventRow[],
): readonly { readonly reference: string; readonly data: string }[] {
  const payloads = new Map<string, string>();
  for (const { data, payload } of events) if (payload !== null) payloads.set(data, payload);
  return [...payloads.keys()]
    .toSorted()
    .map((reference) => ({ reference, data: payloads.get(reference) ?? "" }));
}

/** Its hash and its length in bytes; no JSON begins like this. */
function referenceOf(json: string): string {
  return `@sha256:${createHash("sha256").update(json).digest("hex")}:${Buffer.byteLength(json)}`;
}

// A code unit takes three bytes at most, so that most texts need not be measured.
function isLarge(json: string): boolean {
  return json.length * 3 > LARGE_BYTES && Buffer.byteLength(json) > LARGE_BYTES;
}

const LARGE_BYTES = 65_536;
