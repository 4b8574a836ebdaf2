import { memoryStore } from "../../memory-store.ts";
import type { EventStore } from "../../ports/event-store.ts";
import type { Tracker } from "../../ports/tracker.ts";
import type { OrchestratorOptions } from "../../runtime/orchestrator.ts";
import type { Policy } from "../../session/policy.ts";
import { manualClock, type ManualClock } from "../manual-clock.ts";
import { countingIds } from "./counting-ids.ts";
import { fakeGateway, type FakeGateway, type FakeGatewayOptions } from "./fake-gateway.ts";
import { FakeHost } from "./fake-host.ts";
import { FakeLife } from "./fake-life.ts";
import { mortal } from "./mortal.ts";
import type { Step } from "./script.ts";
import type { Forecast } from "./weather.ts";

/** A world of fakes: everything that an orchestrator needs, in memory, on a clock that stands still. */
export interface FakeWorld {
  readonly clock: ManualClock;
  readonly host: FakeHost;
  readonly store: EventStore;
  /** What agents ask the model through; it outlives every orchestrator. */
  readonly gateway: FakeGateway;
  /** The parts for `createOrchestrator`; after a crash or a freeze, ask again for the next life's. */
  ports(site?: FakeSite): OrchestratorOptions;
  /**
   * The parts of one more process that lives beside: it neither crashes nor freezes, nor meets any
   * weather, and its points are not counted.
   */
  bystander(site?: FakeSite): OrchestratorOptions;
  /** Lets time pass. */
  advance(by: Parameters<ManualClock["advance"]>[0]): Promise<void>;
  /** The orchestrator dies at once: it hears nothing more, and its runs live on. */
  crash(): void;
  /**
   * The orchestrator stands still, as a machine that is paused: what it asks for and what it would
   * hear waits until it wakes. `ports()` gives the next life meanwhile.
   */
  freeze(): Sleeper;
  /** Every point that any life has passed so far, in order: where a crash can be injected. */
  readonly points: readonly string[];
  /** Resolves when the present life dies of `crashAt`. */
  readonly crashed: Promise<void>;
  /** Throws, naming them, where scripts have steps that nobody asked for. */
  assertScriptsUsed(): void;
}

/** What one orchestrator of a fake world reaches. Default: everything, and nobody says. */
export interface FakeSite {
  /** The host that its runs live on. It neither sees nor stops those of another. */
  readonly host?: string;
  /** The folders that its runs' mailboxes and workspaces lie in. */
  readonly folders?: string;
}

/** An orchestrator that stands still. */
export interface Sleeper {
  /** It goes on and knows nothing of what happened meanwhile. */
  wake(): void;
  /** It dies. */
  crash(): void;
}

/** How a fake world is made. */
export interface FakeWorldOptions {
  /** Makes each life's client of the board; the board itself outlives them. */
  readonly tracker?: () => Tracker;
  /**
   * How the gateway judges what agents ask for (`spend`), and what it costs. Default: agents have no
   * gateway.
   */
  readonly gateway?: Omit<FakeGatewayOptions, "clock">;
  /** Where the agents' sessions differ from the default policy. */
  readonly policy?: Partial<Policy>;
  /** Default: one in memory. */
  readonly store?: EventStore;
  /**
   * How long another orchestrator's lease is respected, in milliseconds, as in a store that many
   * processes share. Default: not at all, as in a store that one process owns.
   */
  readonly leaseMs?: number;
  /** Die at these points, counted over all lives from 0. Default: never. */
  readonly crashAt?: readonly number[];
  /** What calls meet on their way: delays and faults. Default: nothing. */
  readonly weather?: Forecast;
  /** How far each life's wall clock is from the world's, in milliseconds. Default: not at all. */
  readonly clockError?: (life: number) => number;
}

/** A world whose agents do what their scripts say, step by step, over all their runs. */
export function fakeWorld(
  scripts: Readonly<Record<string, readonly Step[]>>,
  options: FakeWorldOptions = {},
): FakeWorld {
  // Where everything is in memory, two rounds of the event loop see to everything.
  const clock = manualClock(undefined, options.store === undefined ? { rounds: 2 } : {});
  const gateway = fakeGateway({ ...options.gateway, clock });
  const host = new FakeHost(scripts, clock, gateway);
  const lease = options.leaseMs === undefined ? {} : { leaseMs: options.leaseMs };
  const store = options.store ?? memoryStore({ clock, id: "fake", ...lease });
  const ids = countingIds();
  const points: string[] = [];
  const { crashAt = [], weather = () => null, clockError = () => 0 } = options;
  const lives: FakeLife[] = [];
  const born = (): FakeLife => {
    const life = new FakeLife({ clock, points, crashAt, weather });
    lives.push(life);
    return life;
  };
  let life = born();

  const portsOf = (own: FakeLife, errorMs: number, site: FakeSite = {}): OrchestratorOptions => {
    const transport = mortal(host.transport(site.host), "transport", own);
    const parts = {
      transport,
      ...(options.gateway === undefined
        ? {}
        : { gateway: mortal(gateway.gateway(), "gateway", own) }),
      ...(options.policy === undefined ? {} : { policy: options.policy }),
    };
    const agents = Object.keys(scripts).map((slug) => [slug, { name: slug, ...parts }]);
    const tracker = options.tracker?.();
    return {
      clock: own.clock(errorMs),
      ids,
      store: mortal(shared(store, own, lives), "store", own),
      mailbox: mortal(host.mailbox(site.folders), "mailbox", own),
      ...(tracker === undefined ? {} : { tracker: mortal(tracker, "tracker", own) }),
      agents: Object.fromEntries(agents) as OrchestratorOptions["agents"],
    };
  };

  return {
    clock,
    host,
    store,
    gateway,
    points,
    get crashed() {
      return life.died;
    },
    ports(site) {
      if (!life.alive || life.asleep !== null) life = born();
      return portsOf(life, clockError(lives.indexOf(life)), site);
    },
    bystander(site) {
      const own = new FakeLife({ clock, points: [], crashAt: [], weather: () => null });
      lives.push(own);
      return portsOf(own, 0, site);
    },
    advance: (by) => clock.advance(by),
    crash() {
      life.end();
    },
    freeze() {
      const frozen = life;
      frozen.freeze();
      return { wake: () => frozen.wake(), crash: () => frozen.end() };
    },
    assertScriptsUsed() {
      const left = Object.keys(scripts).flatMap((slug) =>
        host.brain(slug).unused.map((step) => `${slug}: ${JSON.stringify(step)}`),
      );
      if (left.length > 0) throw new Error(`Script steps were left unused:\n${left.join("\n")}`);
    },
  };
}

/** Each life has a connection of its own: closing it closes nobody else's. */
function shared(store: EventStore, own: FakeLife, lives: readonly FakeLife[]): EventStore {
  return new Proxy(store, {
    get(target, property, receiver) {
      const value: unknown = Reflect.get(target, property, receiver);
      if (typeof value !== "function") return value;
      return (...values: unknown[]): unknown => {
        const isLast = lives.every((life) => life === own || !life.alive);
        if (property === "close" && !isLast) return Promise.resolve();
        return Reflect.apply(value, target, values);
      };
    },
  });
}
