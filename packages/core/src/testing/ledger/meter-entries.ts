import assert from "node:assert/strict";
import type { MeterEvent } from "../../events/meter-events.ts";
import type { RunId } from "../../ids.ts";
import type { MeterMark } from "../../ports/gateway.ts";
import type { Book, EntriesOf } from "./book.ts";

/** What a gateway may have seen. */
export function meterEntries(book: Book): EntriesOf<MeterEvent> {
  const read = ({ runId, reading }: { readonly runId: RunId; readonly reading: MeterMark }) => {
    assert.ok(book.runs.has(runId), `what ${runId} cost is known after it was requested`);
    const before = book.readings.get(reading.ledger) ?? 0;
    const { seq, ledger } = reading;
    assert.ok(seq > before, `readings of ${ledger} are recorded once, in order: ${seq}`);
    book.readings.set(ledger, seq);
  };
  return { ModelUsageRecorded: read, GatewayRequestRefused: read };
}
