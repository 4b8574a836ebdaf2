import assert from "node:assert/strict";
import type { SessionEvent, SessionEventType } from "../events/catalogue.ts";
import { Book } from "./ledger/book.ts";
import { lifeEntries } from "./ledger/life-entries.ts";
import { messageEntries } from "./ledger/message-entries.ts";
import { meterEntries } from "./ledger/meter-entries.ts";
import { operationEntries } from "./ledger/operation-entries.ts";
import { runEntries } from "./ledger/run-entries.ts";

/**
 * What may follow what in the log of a session, written a second time: from the promises instead of
 * the code. Enter the events of a stream one by one; the first that breaks a promise throws an
 * `AssertionError`. For property tests, simulations, and logs of the real world.
 */
export class Ledger {
  /** What the events so far come to. */
  readonly book: Book = new Book();
  readonly #entries: { readonly [Type in SessionEventType]: (data: never) => void } = {
    ...lifeEntries(this.book),
    ...messageEntries(this.book),
    ...runEntries(this.book),
    ...operationEntries(this.book),
    ...meterEntries(this.book),
  };

  /** Enters the event. Types that this release does not know are passed over. */
  enter(event: SessionEvent): void {
    const { book } = this;
    const isFirst = book.events === 0;
    const isBeginning =
      event.type === "SessionOpened" || (isFirst && event.type === "SessionErased");
    assert.equal(isFirst, isBeginning, "SessionOpened comes first, once");
    assert.notEqual(book.life, "erased", `nothing follows a tombstone: ${event.type}`);
    book.events += 1;
    const enter = this.#entries[event.type] as ((data: SessionEvent["data"]) => void) | undefined;
    enter?.(event.data);
    book.readMark(event);
  }
}
