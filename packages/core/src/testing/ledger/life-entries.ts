import assert from "node:assert/strict";
import type { LifeEvent } from "../../events/session-events.ts";
import type { Book, EntriesOf } from "./book.ts";

/** What may happen to a session as a whole. */
export function lifeEntries(book: Book): EntriesOf<LifeEvent> {
  return {
    SessionOpened() {
      book.life = "open";
    },
    SessionReopened() {
      assert.equal(book.life, "ended", "only what has ended is opened again");
      book.life = "open";
    },
    SessionOwned({ epoch }) {
      assert.ok(epoch > book.epoch, `an owner's epoch is higher: ${epoch} after ${book.epoch}`);
      book.epoch = epoch;
    },
    SiteAbandoned() {
      assert.ok(book.run === null || book.run.over, "no run lives on at a site that was given up");
    },
    SessionParked() {
      assert.ok(!book.parked && book.run === null, "a session is parked once, between two runs");
      book.parked = true;
    },
    SessionUnparked() {
      assert.ok(book.parked, "only a parked session is unparked");
      book.parked = false;
    },
    RestartScheduled() {
      assert.equal(book.run, null, "a restart follows the end of a run");
    },
    BudgetExceeded() {
      assert.ok(!book.exceeded, "a budget is exceeded once");
      book.exceeded = true;
    },
    BudgetRaised() {
      book.exceeded = false;
    },
    AgentBudgetExceeded() {
      assert.ok(!book.agentExceeded, "an agent's budget is exceeded once");
      book.agentExceeded = true;
    },
    AgentBudgetRaised() {
      assert.ok(book.agentExceeded, "an agent's budget is raised after it was exceeded");
      book.agentExceeded = false;
    },
    CloseRequested() {
      assert.ok(book.life === "open" || book.life === "closing", "what is open can be closed");
      book.life = "closing";
    },
    CloseExpired() {
      assert.equal(book.life, "closing", "only closing can take too long");
    },
    SessionClosed() {
      assert.equal(book.life, "closing", "closing comes before closed");
      assert.deepEqual(book.outstanding(), [], "closed means that nothing is outstanding");
      book.life = "ended";
      book.parked = false;
    },
    ErasureRequested() {
      assert.equal(book.life, "ended", "only what has ended is erased");
      book.life = "erasing";
    },
    SessionErased() {
      // In a store the tombstone is all that is left to read.
      const isFirst = book.life === "unopened";
      assert.ok(isFirst || book.life === "erasing", "erasing comes before erased");
      book.life = "erased";
    },
    EffectDeferred({ attempt }) {
      assert.ok(attempt >= 1, "attempts count from 1");
    },
  };
}
