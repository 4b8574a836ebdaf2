import { memoryStore } from "../../memory-store.ts";
import type { EventStore } from "../../ports/event-store.ts";
import type { Tracker } from "../../ports/tracker.ts";
import type { OrchestratorOptions } from "../../runtime/orchestrator.ts";
import type { Policy } from "../../session/policy.ts";
import { manualClock, type ManualClock } from "../manual-clock.ts";
import { countingIds } from "./counting-ids.ts";
import { FakeHost } from "./fake-host.ts";
import { mortal, type Life } from "./mortal.ts";
import type { Step } from "./script.ts";

/** A world of fakes: everything that an orchestrator needs, in memory, on a clock that stands still. */
export interface FakeWorld {
  readonly clock: ManualClock;
  readonly host: FakeHost;
  readonly store: EventStore;
  /** The parts for `createOrchestrator`; after a crash, ask again for the next life's. */
  ports(): OrchestratorOptions;
  /** Lets time pass. */
  advance(by: Parameters<ManualClock["advance"]>[0]): Promise<void>;
  /** The orchestrator dies at once: it hears nothing more, and its runs live on. */
  crash(): void;
  /** Throws, naming them, where scripts have steps that nobody asked for. */
  assertScriptsUsed(): void;
}

/** A world whose agents do what their scripts say, step by step, over all their runs. */
export function fakeWorld(
  scripts: Readonly<Record<string, readonly Step[]>>,
  options: {
    readonly tracker?: Tracker;
    readonly policy?: Partial<Policy>;
    readonly store?: EventStore;
  } = {},
): FakeWorld {
  const clock = manualClock();
  const host = new FakeHost(scripts, clock);
  const store = options.store ?? memoryStore({ clock });
  const ids = countingIds();
  let life: { alive: boolean } = { alive: true };

  return {
    clock,
    host,
    store,
    ports() {
      const present: Life = life;
      const transport = mortal(host.transport(), present);
      const policy = options.policy === undefined ? {} : { policy: options.policy };
      const agents = Object.keys(scripts).map((slug) => [slug, { name: slug, transport, ...policy }]);
      const { tracker } = options;
      return {
        clock: mortalClock(clock, present),
        ids,
        store: mortal(store, present),
        mailbox: mortal(host.mailbox(), present),
        ...(tracker === undefined ? {} : { tracker: mortal(tracker, present) }),
        agents: Object.fromEntries(agents) as OrchestratorOptions["agents"],
      };
    },
    advance: (by) => clock.advance(by),
    crash() {
      life.alive = false;
      life = { alive: true };
    },
    assertScriptsUsed() {
      const left = Object.keys(scripts).flatMap((slug) =>
        host.brain(slug).unused.map((step) => `${slug}: ${JSON.stringify(step)}`),
      );
      if (left.length > 0) throw new Error(`Script steps were left unused:\n${left.join("\n")}`);
    },
  };
}

/** Timers of a process that died never ring. */
function mortalClock(clock: ManualClock, life: Life): ManualClock {
  return {
    ...clock,
    after: (delayMs, wake) => clock.after(delayMs, () => (life.alive ? wake() : undefined)),
  };
}
