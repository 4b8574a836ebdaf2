import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { systemClock } from "@waybill/core";
import { FakeHost } from "@waybill/core/testing";
import { postgresStore } from "@waybill/store-postgres";
import { referenceTracker, tally } from "@waybill/tracker-client/testing";
import { postgresPrograms, postgresServer } from "../../integration/postgres-server.ts";
import { seededRandom } from "../random.ts";
import { inboxesUnder, watchDoubleRuns } from "./double-runs.ts";
import type { SharedOptions } from "./options.ts";
import { servePorts } from "./port-server.ts";
import { secondHost } from "./second-host.ts";
import { tcpProxy } from "./tcp-proxy.ts";
import { Victim } from "./victim.ts";
import { sharedWork } from "./workload.ts";

/** What was counted in the end: at the Tracker, on the fakes' machine and among the processes. */
export interface SharedSummary {
  readonly seed: number;
  readonly orchestrators: number;
  readonly sessions: number;
  readonly operations: number;
  readonly kills: number;
  readonly killed: number;
  readonly frozen: number;
  readonly cut: number;
  readonly lost: number;
  readonly repeated: number;
  readonly doubleRuns: number;
  readonly absorbed: number;
  /** Sessions that ended; all of them, unless the time ran out. */
  readonly closed: number;
  /** How often a session got another owner. */
  readonly takeovers: number;
  readonly secondHost: boolean;
  readonly seconds: number;
}

/** Several orchestrators share a PostgreSQL, while they are killed, frozen and cut off from it. */
export async function storm(
  options: SharedOptions,
  tell: (text: string) => void,
): Promise<SharedSummary> {
  const startedAt = performance.now();
  const random = seededRandom(options.seed);
  const programs = await postgresPrograms();
  if (programs === null)
    throw new Error("No PostgreSQL server: bash .ci/postgres.sh installs one.");
  await using server = await postgresServer(programs);
  const data = await mkdtemp(join(tmpdir(), "wb-shared-"));
  const { parts, scripts } = sharedWork({ ...options, restMs: restOf(options), random });
  await using tracker = await referenceTracker({
    random,
    seed: { chats: parts.map(({ chat }) => ({ id: chat })), tasks: [] },
  });
  const always = { method: "POST", times: null } as const;
  tracker.faults.add(
    { do: "status", status: 503, chance: 0.05, ...always },
    { do: "drop", when: "before", chance: 0.03, ...always },
    { do: "drop", when: "after", chance: 0.05, ...always },
  );
  const machine = new FakeHost(scripts, systemClock());
  const fakes = join(data, "fakes.sock");
  await using _ports = await servePorts(fakes, {
    transport: machine.transport(),
    mailbox: machine.mailbox(),
  });
  await using second = await secondHost(tell);
  const far = { host: second?.gateway ?? "127.0.0.1", prefix: second?.prefix ?? [] };
  const near = { host: "127.0.0.1", prefix: [] };

  const victims: Victim[] = [];
  await using ways = new AsyncDisposableStack();
  for (let number = 0; number < options.orchestrators; number += 1) {
    // The second half lives on the second host, with folders of its own.
    const host = number < options.orchestrators / 2 ? 0 : 1;
    const { host: address, prefix } = host === 0 ? near : far;
    const way = await tcpProxy(address, server.port);
    const toTracker = ways.use(await tcpProxy(address, Number(new URL(tracker.url).port)));
    const folder = join(data, `host-${host}`);
    await mkdir(folder, { recursive: true });
    victims.push(
      new Victim(
        {
          name: `orchestrator-${number}`,
          data: folder,
          store: `postgres://waybill@${address}:${way.port}/postgres`,
          leaseMs: options.leaseMs,
          capacity: Math.ceil((parts.length / options.orchestrators) * 1.5),
          tracker: { url: `http://${address}:${toTracker.port}`, token: tracker.token },
          fakes,
          fakeAgents: Object.keys(scripts),
          parts: parts.filter((_, index) => index % options.orchestrators === number),
        },
        prefix,
        way,
      ),
    );
  }
  const watching = new AbortController();
  const doubles = watchDoubleRuns(data, watching.signal);
  await using store = postgresStore({ url: server.url });
  await store.open();
  for (const victim of victims) victim.start();

  const counted = { killed: 0, frozen: 0, cut: 0 };
  const thawing: Promise<void>[] = [];
  // Whoever is hurt should have something to lose.
  while ((await endOf(store)).owned < parts.length / 2) await sleep(500);
  for (let kills = 0; kills < options.kills; kills += 1) {
    await sleep(options.paceMs * (0.3 + random()));
    const victim = victims[Math.floor(random() * victims.length)];
    const kind = random();
    if (kind < 0.5) {
      victim?.kill();
      counted.killed += 1;
    } else if (kind < 0.75) {
      // Most of them past the lease.
      if (victim !== undefined)
        thawing.push(victim.freeze(options.leaseMs * (0.5 + random() * 1.5)));
      counted.frozen += 1;
    } else {
      victim?.cut(options.leaseMs * (0.1 + random() * 1.9));
      counted.cut += 1;
    }
    tell(`${kills + 1} kills, ${tracker.records.messages.length} posted`);
  }
  await Promise.all(thawing);
  const until = performance.now() + options.patienceMs;
  let ended = await endOf(store);
  while (ended.closed < parts.length && performance.now() < until) {
    await sleep(1_000);
    ended = await endOf(store);
    tell(
      `${ended.closed} of ${parts.length} sessions ended, ${tracker.records.messages.length} posted`,
    );
  }
  for (const victim of victims) await victim.end();
  watching.abort();
  const seen = await doubles;
  const found = tally(
    tracker.records,
    parts.flatMap(({ contents }) => contents),
  );
  const doubleRuns = machine.twins.length + seen.size;
  if (found.lost + found.repeated + doubleRuns === 0 && ended.closed === parts.length)
    await rm(data, { recursive: true, force: true });
  else
    tell(
      `The data is kept in ${data}. ${[...seen].join("; ")} ${(await inboxesUnder(data)).join(" ")}`,
    );
  return {
    seed: options.seed,
    orchestrators: options.orchestrators,
    sessions: parts.length,
    operations: found.asked,
    kills: options.kills,
    ...counted,
    lost: found.lost,
    repeated: found.repeated,
    doubleRuns,
    absorbed: found.absorbed,
    closed: ended.closed,
    takeovers: ended.owned - parts.length,
    secondHost: second !== null,
    seconds: Math.round((performance.now() - startedAt) / 1000),
  };
}

/** As long as it takes for the work to last until the last kill. */
function restOf({ kills, paceMs, messages, operations }: SharedOptions): number {
  return Math.ceil((kills * paceMs) / (messages * operations));
}

/** How many sessions have ended, and how often one was taken by an owner. */
async function endOf(
  store: ReturnType<typeof postgresStore>,
): Promise<{ readonly closed: number; readonly owned: number }> {
  const closed = new Set<string>();
  let owned = 0;
  const types = ["SessionClosed", "SessionReopened", "SessionOwned"];
  for await (const page of store.readAll({ types }))
    for (const { stream, type } of page) {
      if (type === "SessionOwned") owned += 1;
      else if (type === "SessionClosed") closed.add(stream);
      else closed.delete(stream);
    }
  return { closed: closed.size, owned };
}
