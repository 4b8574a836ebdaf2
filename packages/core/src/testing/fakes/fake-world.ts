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
  /** Every point that any life has passed so far, in order: where a crash can be injected. */
  readonly points: readonly string[];
  /** Resolves when the present life dies of `crashAt`. */
  readonly crashed: Promise<void>;
  /** Throws, naming them, where scripts have steps that nobody asked for. */
  assertScriptsUsed(): void;
}

interface MortalLife extends Life {
  alive: boolean;
}

/** A world whose agents do what their scripts say, step by step, over all their runs. */
export function fakeWorld(
  scripts: Readonly<Record<string, readonly Step[]>>,
  options: {
    /** Makes each life's client of the board; the board itself outlives them. */
    readonly tracker?: () => Tracker;
    readonly policy?: Partial<Policy>;
    readonly store?: EventStore;
    /** Die at these points, counted over all lives from 0. */
    readonly crashAt?: readonly number[];
  } = {},
): FakeWorld {
  const clock = manualClock();
  const host = new FakeHost(scripts, clock);
  const store = options.store ?? memoryStore({ clock });
  const ids = countingIds();
  const points: string[] = [];
  let died = Promise.withResolvers<void>();

  const born = (): MortalLife => {
    const present: MortalLife = {
      alive: true,
      pass(point) {
        if (!present.alive) return false;
        points.push(point);
        if (options.crashAt?.includes(points.length - 1)) {
          present.alive = false;
          died.resolve();
        }
        return present.alive;
      },
    };
    return present;
  };
  let life = born();

  return {
    clock,
    host,
    store,
    points,
    get crashed() {
      return died.promise;
    },
    ports() {
      if (!life.alive) {
        life = born();
        died = Promise.withResolvers();
      }
      const present: Life = life;
      const transport = mortal(host.transport(), "transport", present);
      const policy = options.policy === undefined ? {} : { policy: options.policy };
      const agents = Object.keys(scripts).map((slug) => [slug, { name: slug, transport, ...policy }]);
      const tracker = options.tracker?.();
      return {
        clock: mortalClock(clock, present),
        ids,
        store: mortal(store, "store", present),
        mailbox: mortal(host.mailbox(), "mailbox", present),
        ...(tracker === undefined ? {} : { tracker: mortal(tracker, "tracker", present) }),
        agents: Object.fromEntries(agents) as OrchestratorOptions["agents"],
      };
    },
    advance: (by) => clock.advance(by),
    crash() {
      life.alive = false;
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
