import assert from "node:assert/strict";
import type { RunEvent } from "../../events/run-events.ts";
import type { RunId } from "../../ids.ts";
import type { Book, EntriesOf } from "./book.ts";

/** What may happen to runs. */
export function runEntries(book: Book): EntriesOf<RunEvent> {
  const end = ({ runId }: { readonly runId: RunId }): void => {
    const run = book.current(runId);
    assert.ok(!run.over, `run ${runId} ends once`);
    run.over = true;
  };

  return {
    RunRequested({ runId, epoch }) {
      assert.equal(book.run, null, "a session has at most one live run");
      assert.ok(!book.runs.has(runId), `the run id ${runId} is used once in all of time`);
      assert.equal(epoch, book.epoch, "the present owner asks for a run");
      assert.ok(book.life === "open" || book.life === "closing", "a run is for a living session");
      const isHeld = book.parked || book.exceeded || book.agentExceeded;
      assert.ok(!isHeld, "no run while parked or over budget");
      assert.ok(book.messages.size > 0, "a run is for a message");
      book.runs.add(runId);
      book.run = {
        id: runId,
        started: false,
        startFailed: false,
        ready: false,
        stop: null,
        stopped: false,
        over: false,
        mark: { seq: 0, offset: 0 },
      };
    },
    RunStarted({ runId }) {
      const run = book.current(runId);
      assert.ok(!run.started && !run.startFailed && !run.over, `run ${runId} starts once`);
      run.started = true;
    },
    RunStartFailed({ runId }) {
      const run = book.current(runId);
      assert.ok(!run.started && !run.startFailed, `the start of run ${runId} fails once`);
      run.startFailed = true;
    },
    RunAdopted({ runId, epoch }) {
      assert.ok(book.current(runId).started, "a run is adopted after it was started");
      assert.equal(epoch, book.epoch, "the present owner adopts");
    },
    AgentReady({ runId }) {
      const run = book.current(runId);
      assert.ok(!run.ready, "an agent says hello once");
      run.ready = true;
    },
    ContextRestored({ runId }) {
      assert.ok(book.current(runId).ready, "what is remembered is known from the hello");
    },
    RunStopRequested({ runId, mode }) {
      const run = book.current(runId);
      assert.ok(!run.over, "only a run that lives is stopped");
      assert.notEqual(run.stop, "kill", "a request to kill is the last one");
      if (run.stop === "drain") assert.equal(mode, "kill", "a drain can only become a kill");
      run.stop = mode;
    },
    RunStopped({ runId }) {
      const run = book.current(runId);
      assert.ok(!run.stopped && !run.over, "a run is stopped once, before its end is recorded");
      run.stopped = true;
    },
    RunExited: end,
    RunLost: end,
    RunDrained({ runId }) {
      assert.ok(book.current(runId).over, "a run is drained after its end");
      book.run = null;
      book.remains.add(runId);
      for (const message of book.messages.values()) message.at = "open";
    },
    RunRemoved({ runId }) {
      assert.ok(book.remains.delete(runId), `run ${runId} is removed once, after it was drained`);
    },
    AgentLeft({ runId }) {
      book.current(runId);
    },
    WordRejected({ runId }) {
      book.current(runId);
    },
    MailboxGapSkipped({ runId }) {
      book.current(runId);
    },
  };
}
