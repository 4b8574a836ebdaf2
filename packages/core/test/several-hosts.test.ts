// Orchestrators on several hosts share one store: what one does not reach is left alone until the
// lease of its run has ended, and only then goes on elsewhere.
import { afterEach, describe, expect, test } from "vitest";
import {
  createOrchestrator,
  type Orchestrator,
  type OrchestratorOptions,
  type SessionEvent,
} from "@waybill/core";
import {
  fakeWorld,
  given,
  hang,
  reply,
  type FakeSite,
  type FakeWorld,
} from "@waybill/core/testing";
import { owned, past } from "./pasts.ts";

const leaseMs = 30_000;
const runLeaseMs = 60_000;
const hostA = { host: "host-a", folders: "shared" };
const hostB = { host: "host-b", folders: "shared" };

describe("two hosts with the same folders", () => {
  const orchestrators: Orchestrator[] = [];
  afterEach(async () => {
    for (const orchestrator of orchestrators.splice(0)) await orchestrator[Symbol.asyncDispose]();
  });

  async function start(options: OrchestratorOptions, leased = true): Promise<Orchestrator> {
    const sharing = leased ? { runLeaseMs } : {};
    const orchestrator = await createOrchestrator({ ...options, sharing });
    orchestrators.push(orchestrator);
    return orchestrator;
  }

  /** One that died is not waited for. */
  function crash(world: FakeWorld): void {
    world.crash();
    orchestrators.pop();
  }

  test("a run on a host whose orchestrator died is left alone, ends itself, and is followed by one elsewhere", async () => {
    const world = fakeWorld({ coder: [hang(), reply("done")] }, { leaseMs });
    const first = await start(world.ports(hostA));
    const session = await first.open({ id: "s", agent: "coder" });
    await session.send("go");
    await world.advance({ seconds: 5 });
    crash(world);
    const second = await start(world.bystander(hostB));
    await world.advance({ seconds: 40 });
    expect(await typesOf(world, "SessionOwned"), "the lease of the session has ended").toHaveLength(
      2,
    );
    expect(world.host.live(), "the run is left alone").toHaveLength(1);
    const answered = second.session("s").events({ until: "idle" });
    await world.advance({ seconds: 30 });
    expect(world.host.live(), "it has ended itself").toHaveLength(0);
    expect(await typesOf(world, "RunRequested"), "and that is not yet certain").toHaveLength(1);
    await world.advance({ minutes: 2 });
    for await (const _ of answered);
    expect(await typesOf(world, "RunLost")).toEqual([
      { type: "RunLost", data: { runId: expect.any(String) as string, evidence: "lease" } },
    ]);
    expect((await typesOf(world, "TurnEnded")).map(({ data }) => data)).toMatchObject([
      { text: "done" },
    ]);
    expect(world.host.twins).toEqual([]);
  });

  test("an owner renews the lease for as long as it holds the session", async () => {
    const world = fakeWorld({ coder: [hang()] }, { leaseMs, policy: { stallMs: 86_400_000 } });
    const first = await start(world.ports(hostA));
    await (await first.open({ id: "s", agent: "coder" })).send("go");
    await world.advance({ minutes: 30 });
    expect(world.host.live()).toHaveLength(1);
  });

  test("an owner that stood still extends nothing when it wakes, whatever it was about to do", async () => {
    const world = fakeWorld({ coder: [hang(), reply("done")] }, { leaseMs });
    const first = await start(world.ports(hostA));
    await (await first.open({ id: "s", agent: "coder" })).send("go");
    await world.advance({ seconds: 5 });
    const sleeper = world.freeze();
    await start(world.bystander(hostB));
    await world.advance({ seconds: 50 });
    sleeper.wake();
    await world.advance({ minutes: 3 });
    expect(world.host.twins).toEqual([]);
    expect(await typesOf(world, "RunLost")).toHaveLength(1);
    expect(await typesOf(world, "RunRequested")).toHaveLength(2);
  });

  test("a host that comes back before the lease has ended goes on with its own run", async () => {
    const world = fakeWorld({ coder: [hang()] }, { leaseMs });
    const first = await start(world.ports(hostA));
    await (await first.open({ id: "s", agent: "coder" })).send("go");
    await world.advance({ seconds: 5 });
    crash(world);
    await world.advance({ seconds: 20 });
    await start(world.ports(hostA));
    await world.advance({ minutes: 3 });
    expect(world.host.live()).toHaveLength(1);
    expect(await typesOf(world, "RunAdopted")).toHaveLength(1);
  });

  test("a run without a lease is left to its host for as long as it takes", async () => {
    const world = fakeWorld({ coder: [hang()] }, { leaseMs });
    const first = await start(world.ports(hostA), false);
    await (await first.open({ id: "s", agent: "coder" })).send("go");
    await world.advance({ seconds: 5 });
    crash(world);
    await start(world.bystander(hostB), false);
    await world.advance({ minutes: 60 });
    expect(await typesOf(world, "SessionOwned"), "nobody else takes it").toHaveLength(1);
    await start(world.ports(hostA), false);
    await world.advance({ minutes: 1 });
    expect(await typesOf(world, "RunAdopted"), "its host finds it free").toHaveLength(1);
    expect(world.host.live()).toHaveLength(1);
  });

  test("a session whose folders are on another host is left to that one, with or without a run", async () => {
    const world = fakeWorld({ coder: [reply("one"), reply("two")] }, { leaseMs });
    const first = await start(world.ports({ host: "host-a", folders: "a" }));
    await (await first.open({ id: "s", agent: "coder" })).ask("go");
    await world.advance({ minutes: 10 });
    crash(world);
    const second = await start(world.bystander({ host: "host-b", folders: "b" }));
    await second.session("s").send("more");
    await world.advance({ minutes: 60 });
    expect(await typesOf(world, "SessionOwned")).toHaveLength(1);
    await start(world.ports({ host: "host-c", folders: "a" }));
    await world.advance({ minutes: 1 });
    expect(await typesOf(world, "TurnEnded"), "who has the folders goes on").toHaveLength(2);
  });

  test("a site that is gone for good is given up by a person's word", async () => {
    const world = fakeWorld({ coder: [hang(), reply("done")] }, { leaseMs });
    const first = await start(world.ports({ host: "host-a", folders: "a" }), false);
    await (await first.open({ id: "s", agent: "coder" })).send("go");
    await world.advance({ seconds: 5 });
    crash(world);
    for (const run of world.host.live())
      run.end({ exitCode: null, signal: "SIGKILL", oomKilled: false });
    const second = await start(world.bystander({ host: "host-b", folders: "b" }), false);
    await world.advance({ minutes: 10 });
    await second.session("s").abandonSite({ by: "ops" });
    await world.advance({ minutes: 2 });
    expect(await typesOf(world, "SiteAbandoned")).toMatchObject([
      { data: { by: "ops", folders: "a" } },
    ]);
    expect(await typesOf(world, "TurnEnded")).toMatchObject([{ data: { text: "done" } }]);
  });
});

test.each([
  { runLeaseMs: 39_999, why: "less than four rounds" },
  { runLeaseMs: Number.NaN, why: "no number" },
])("a lease of $runLeaseMs ms is refused: $why", async ({ runLeaseMs: ms }) => {
  const world = fakeWorld({ coder: [] });
  const options = { ...world.ports(), sharing: { runLeaseMs: ms } };
  await expect(createOrchestrator(options)).rejects.toThrow("sharing.runLeaseMs");
});

test("a mailbox that keeps no leases is refused where runs are to have some", async () => {
  const ports = fakeWorld({ coder: [] }).ports();
  const { leases: _, ...mailbox } = ports.mailbox;
  const options = { ...ports, mailbox, sharing: { runLeaseMs } };
  await expect(createOrchestrator(options)).rejects.toMatchObject({ code: "LEASES_UNSUPPORTED" });
});

describe("the rules", () => {
  const at = (host: string, folders = "f"): FakeSite & { host: string; folders: string } => ({
    host,
    folders,
  });
  /** A run on host a in its turn, whose session then got an owner on host b. */
  const away = (): SessionEvent[] => [...on("a", past.accepted()), ownedAt("b", 2)];
  const ownedAt = (host: string, epoch: number): SessionEvent => ({
    type: "SessionOwned",
    data: { owner: `owner-${epoch}`, epoch, trackerKeys: true, site: at(host), runLeaseMs },
  });
  /** The same past, with its run on this host. */
  const on = (host: string, events: readonly SessionEvent[]): SessionEvent[] =>
    events.map((event): SessionEvent => {
      if (event.type === "RunRequested")
        return { ...event, data: { ...event.data, site: at(host), leaseMs: runLeaseMs } };
      return event.type === "SessionOwned" ? ownedAt(host, 1) : event;
    });
  const own = (host: string, folders?: string) =>
    ({
      type: "OwnSession",
      owner: "x",
      epoch: 9,
      trackerKeys: true,
      site: at(host, folders),
    }) as const;

  test("a run that is requested has the owner's site and lease", () => {
    given([...on("a", past.requested().slice(0, 3))])
      .when({ type: "AdmitRun", runId: "run-1", protocol: 1 })
      .thenTypes(["RunRequested"]);
    const run = given(on("a", past.requested())).state.run?.trace;
    expect(run).toMatchObject({ site: at("a"), leaseMs: runLeaseMs });
  });

  test("nothing is done about a run that is away, until the lease has ended", () => {
    const { now, policy } = given(away()).state;
    const ends = now + runLeaseMs + policy.graceMs + 15_000;
    expect(given(away()).pending({ now, aliveAt: now, caughtUpAt: now })).toEqual([
      { key: "tick", at: ends },
    ]);
    const tick = (instant: number) =>
      ({ type: "Tick", seen: { now: instant, aliveAt: null, caughtUpAt: null } }) as const;
    given(away())
      .when(tick(ends - 1), { at: ends - 1 })
      .thenNothing();
    const lost = given(away()).when(tick(ends), { at: ends });
    lost.then([{ type: "RunLost", data: { runId: "run-1", evidence: "lease" } }]);
  });

  test("each owner that does not reach it counts anew, since its clock is another", () => {
    const events = [...away(), ownedAt("c", 3)];
    const { now, policy } = given(events).state;
    const ends = now + runLeaseMs + policy.graceMs + 15_000;
    expect(given(events).pending({ now })).toEqual([{ key: "tick", at: ends }]);
  });

  test("a run that the owner reaches is held, watched and heard", () => {
    const keys = given(on("a", past.accepted()))
      .pending()
      .map(({ key }) => key);
    expect(keys).toEqual(expect.arrayContaining(["run-1/hold", "run-1/watch", "run-1/receive"]));
    expect(
      given(past.accepted())
        .pending()
        .map(({ key }) => key),
    ).not.toContain("run-1/hold");
  });

  test("what is left of a lost run is removed where it can be reached, and no further", () => {
    const events: SessionEvent[] = [
      ...away(),
      { type: "RunLost", data: { runId: "run-1", evidence: "lease" } },
      { type: "RunDrained", data: { runId: "run-1", mark: { seq: 2, offset: 0 } } },
    ];
    const remove = given(events)
      .pending()
      .find(({ key }) => key === "run-1/remove");
    expect(remove).toMatchObject({ effect: { type: "remove", away: true } });
    const back = given([...events, ownedAt("a", 3)])
      .pending()
      .find(({ key }) => key === "run-1/remove");
    expect(back).toMatchObject({ effect: { type: "remove" } });
    expect(back).not.toHaveProperty("effect.away");
  });

  test("a lost host counts as a bad end, and says so", () => {
    given([...away(), { type: "RunLost", data: { runId: "run-1", evidence: "lease" } }])
      .when({
        type: "Succeeded",
        effect: {
          type: "drain",
          run: given(away()).state.run!.trace,
          after: { seq: 2, offset: 0 },
        },
        value: null,
      })
      .thenTypes(["RunDrained", "RestartScheduled"]);
  });

  test("who reaches neither the folders nor a run without a lease does not own", () => {
    given(on("a", past.accepted())).when(own("b", "other")).thenRefused("OUT_OF_REACH");
    given(on("a", past.ended())).when(own("a", "other")).thenRefused("OUT_OF_REACH");
    const leaseless = on("a", past.accepted()).map((event): SessionEvent => {
      if (event.type !== "RunRequested") return event;
      const { leaseMs: _, ...data } = event.data;
      return { ...event, data };
    });
    given(leaseless).when(own("b")).thenRefused("OUT_OF_REACH");
    given(leaseless).when(own("a")).thenTypes(["SessionOwned"]);
  });

  test("who says nothing of its site counts as reaching everything", () => {
    const { type, data } = owned();
    if (type !== "SessionOwned") throw new TypeError("owned() is SessionOwned");
    const command = { type: "OwnSession", ...data, epoch: 9 } as const;
    given(on("a", past.accepted())).when(command).thenTypes(["SessionOwned"]);
    given(past.accepted()).when(own("b", "other")).thenTypes(["SessionOwned"]);
  });

  test("a site that is abandoned loses its run and its folders; a second time nothing happens", () => {
    const command = { type: "AbandonSite", by: "ops" } as const;
    given(away())
      .when(command)
      .then([
        { type: "RunLost", data: { runId: "run-1", evidence: "word" } },
        { type: "SiteAbandoned", data: { by: "ops", folders: "f" } },
      ])
      .when(command)
      .thenNothing();
    given([]).when(command).thenRefused("SESSION_NOT_FOUND");
  });
});

describe("a turn that is interrupted though nobody asked for it", () => {
  const ended = {
    type: "Heard",
    runId: "run-1",
    words: [
      {
        type: "word",
        mark: { seq: 9, offset: 0 },
        at: 0,
        word: { type: "turn_ended", turn: "t1", outcome: "interrupted", text: "", transcript: "x" },
      },
    ],
  } as const;

  test("settles nothing: the next run goes on with its messages", () => {
    const after = given(past.accepted()).when(ended).thenTypes(["TurnEnded", "RunStopRequested"]);
    expect(after.state.messages.size).toBe(1);
    expect(after.state.run?.setback?.failure.code).toBe("TURN_BROKEN_OFF");
  });

  test("is over for good where it was asked for", () => {
    const asked: SessionEvent = {
      type: "InterruptRequested",
      data: { runId: "run-1", turnId: "t1", reason: "asked", until: 2_000_000 },
    };
    const after = given([...past.accepted(), asked])
      .when(ended)
      .thenTypes(["TurnEnded"]);
    expect(after.state.messages.size).toBe(0);
    expect(after.state.run?.setback).toBeNull();
  });
});

async function typesOf(
  { store }: FakeWorld,
  type: string,
): Promise<readonly { type: string; data: unknown }[]> {
  const found: { type: string; data: unknown }[] = [];
  for await (const page of store.read("s"))
    for (const event of page) if (event.type === type) found.push({ type, data: event.data });
  return found;
}
