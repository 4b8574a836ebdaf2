// A session is erased: what it said is gone from the store and from the host, and its id is spent.
import { afterEach, describe, expect, test } from "vitest";
import { createOrchestrator, openView, overview, type Orchestrator } from "@waybill/core";
import { fakeWorld, given, reply, type FakeWorld } from "@waybill/core/testing";
import { opened, owned, past } from "./pasts.ts";

const orchestrators: Orchestrator[] = [];
afterEach(async () => {
  for (const orchestrator of orchestrators.splice(0)) await orchestrator[Symbol.asyncDispose]();
});

async function start(world: FakeWorld): Promise<Orchestrator> {
  const orchestrator = await createOrchestrator(world.ports());
  orchestrators.push(orchestrator);
  return orchestrator;
}

async function typesIn(world: FakeWorld, session: string): Promise<readonly string[]> {
  const types: string[] = [];
  await world.store.open(); // an orchestrator that was left has closed it
  for await (const page of world.store.read(session)) types.push(...page.map(({ type }) => type));
  return types;
}

const script = [reply("a secret", { costUsd: 0.5 }), reply("another", { costUsd: 0.7 })];

describe("erase()", () => {
  test("leaves a tombstone with the sums and nothing that was said, in the log and on the host", async () => {
    const world = fakeWorld({ coder: script });
    const session = await (await start(world)).open({ id: "s", agent: "coder" });
    await session.ask("my secret");
    await session.close();
    await session.erase({ by: "Ada" });
    expect(await session.status()).toBe("erased");
    const left: unknown[] = [];
    for await (const page of world.store.readAll()) left.push(...page);
    expect(left).toMatchObject([
      {
        type: "SessionErased",
        data: { by: "Ada", agent: { slug: "coder" }, totals: { turns: 1, costUsd: 0.5 } },
      },
    ]);
    expect(JSON.stringify(left)).not.toContain("secret");
    expect(world.host.brain("coder").heard).toEqual([]);
  });

  test("is refused while the session is open, and of one that never was", async () => {
    const world = fakeWorld({ coder: script });
    const orchestrator = await start(world);
    const session = await orchestrator.open({ id: "s", agent: "coder" });
    await session.ask("go");
    await expect(session.erase()).rejects.toMatchObject({ code: "SESSION_OPEN" });
    expect(await session.status()).toBe("idle");
    await expect(orchestrator.session("nobody").erase()).rejects.toMatchObject({
      code: "SESSION_NOT_FOUND",
    });
  });

  test("spends the id: it cannot be opened again, in this process or the next", async () => {
    const world = fakeWorld({ coder: script });
    const first = await createOrchestrator(world.ports());
    const session = await first.open({ id: "s", agent: "coder" });
    await session.ask("go", { idempotencyKey: "k" });
    await session.close();
    await session.erase();
    await session.erase();
    const erased = { code: "SESSION_ERASED" };
    for (const orchestrator of [first, null]) {
      if (orchestrator === null) world.crash();
      const at = orchestrator ?? (await start(world));
      await expect(at.open({ id: "s", agent: "coder" })).rejects.toMatchObject(erased);
      await expect(at.session("s").send("hello?")).rejects.toMatchObject(erased);
      // Nor does the key of a message that was answered once bring anything back.
      const again = at.session("s").send("go", { idempotencyKey: "k" });
      await expect(again).rejects.toMatchObject(erased);
      expect(await at.list()).toEqual([{ id: "s", agent: "coder", status: "erased" }]);
    }
    expect(await typesIn(world, "s")).toEqual(["SessionErased"]);
  });

  test("is over for readers that follow: of the session, of the whole log, and of a view", async () => {
    const world = fakeWorld({ coder: script });
    const orchestrator = await start(world);
    const session = await orchestrator.open({ id: "s", agent: "coder" });
    const other = await orchestrator.open({ id: "other", agent: "coder" });
    await session.ask("go");
    const before: string[] = [];
    const stopping = new AbortController();
    const reading = (async () => {
      for await (const event of orchestrator.events({ signal: stopping.signal }))
        before.push(event.type);
    })();
    const mine: string[] = [];
    const following = (async () => {
      for await (const { type } of session.events({ signal: stopping.signal })) mine.push(type);
    })();
    await using view = await openView({ log: world.store, projection: overview });
    await world.clock.settle();
    await session.close();
    await session.erase();
    await other.ask("still there?");
    await world.clock.settle();
    stopping.abort();
    await Promise.all([reading, following]);
    expect(mine.at(-1)).toBe("SessionErased");
    expect(before).toContain("SessionErased");
    expect(before.at(-1)).toBe("TurnEnded");
    expect(view.state.session("s")).toMatchObject({ status: "erased", costUsd: 0.5 });
    expect(view.state.sessions().map(({ id }) => id)).toEqual(["other"]);
    // Made anew, the view says the same: what the session cost is in the tombstone.
    await using anew = await openView({ log: world.store, projection: overview });
    expect(anew.state.agents().get("coder")).toMatchObject({ sessions: 2, turns: 2 });
    expect(anew.state.agents().get("coder")?.costUsd).toBeCloseTo(1.2);
    expect(anew.state.session("s")?.status).toBe("erased");
  });

  test("goes on where the process dies, at whatever point", async () => {
    const points = await play([]);
    for (let at = points.from; at < points.through; at += 1) {
      const { left, heard } = await play([at]);
      expect(left, `after a crash at ${at}`).toEqual(["SessionErased"]);
      expect(heard).toBe(0);
    }
    expect(points.through - points.from).toBeGreaterThan(4);
  });

  test("is carried out by whoever owns the session, and seen by who asked", async () => {
    const world = fakeWorld({ coder: script }, { leaseMs: 60_000 });
    const one = await start(world);
    const session = await one.open({ id: "s", agent: "coder" });
    await session.ask("go");
    const other = await createOrchestrator(world.bystander());
    orchestrators.push(other);
    await session.close();
    const erasing = other.session("s").erase();
    await world.advance({ seconds: 30 });
    await erasing;
    expect(await typesIn(world, "s")).toEqual(["SessionErased"]);
    expect(await session.status()).toBe("erased");
  });
});

describe("an erasing session", () => {
  const ended = [
    opened(),
    owned(),
    { type: "SessionClosed", data: { outcome: "closed" } },
  ] as const;
  const erase = { type: "EraseSession", by: "Ada" } as const;

  test("wants one thing, and is gone when that is done", () => {
    const erasing = given(ended)
      .when(erase)
      .then([{ type: "ErasureRequested", data: { by: "Ada" } }]);
    expect(erasing.pending()).toEqual([{ key: "erase", effect: { type: "erase" } }]);
    const done = { type: "Succeeded", effect: { type: "erase" }, value: null } as const;
    const erased = erasing.when(done).thenTypes(["SessionErased"]);
    expect(erased.pending()).toEqual([]);
    erased.when(done).thenNothing();
    erased.when(erase).thenNothing();
  });

  test("tries again later where the folders cannot be removed", () => {
    const failure = { class: "transient", code: "DISK", message: "No." } as const;
    const deferred = given(ended)
      .when(erase)
      .thenTypes(["ErasureRequested"])
      .when({ type: "Failed", key: "erase", effect: { type: "erase" }, failure })
      .thenTypes(["EffectDeferred"]);
    expect(deferred.pending().map(({ key }) => key)).toEqual(["tick"]);
  });

  test("is refused while it lives", () => {
    given(past.ready()).when(erase).thenRefused("SESSION_OPEN");
    given([]).when(erase).thenRefused("SESSION_NOT_FOUND");
  });

  test("takes nothing more: no opening, no message, no budget", () => {
    const { data } = opened() as Extract<ReturnType<typeof opened>, { type: "SessionOpened" }>;
    const erasing = given(ended).when(erase).thenTypes(["ErasureRequested"]);
    erasing.when({ type: "OpenSession", ...data }).thenRefused("SESSION_ERASED");
    erasing
      .when({ type: "SendMessage", messageId: "m", text: "x", from: null })
      .thenRefused("SESSION_ERASED");
    erasing.when({ type: "RaiseBudget", capUsd: 1 }).thenRefused("SESSION_ERASED");
    erasing.when({ type: "CloseSession", outcome: "stopped" }).thenNothing();
  });
});

/** A life whose last deed is an erasure; dies at these points and goes on. */
async function play(crashAt: readonly number[]) {
  const world = fakeWorld({ coder: script }, { crashAt });
  let from = 0;
  const user = async (): Promise<boolean> => {
    const orchestrator = await createOrchestrator(world.ports());
    const status = (await orchestrator.list())[0]?.status;
    const session = orchestrator.session("s");
    if (status === undefined || !["closed", "erasing", "erased"].includes(status)) {
      await (
        await orchestrator.open({ id: "s", agent: "coder" })
      ).ask("x", {
        idempotencyKey: "x",
      });
      await session.close();
    }
    from = world.points.length;
    await session.erase();
    await orchestrator[Symbol.asyncDispose]();
    return true;
  };
  for (let lives = 0; lives < 4; lives += 1) {
    const clock = (async () => {
      for (let round = 0; round < 12; round += 1) await world.advance({ seconds: 15 });
      return false;
    })();
    if (await Promise.race([user(), world.crashed.then(() => false), clock])) break;
  }
  return {
    from,
    through: world.points.length,
    left: await typesIn(world, "s"),
    heard: world.host.brain("coder").heard.length,
  };
}
