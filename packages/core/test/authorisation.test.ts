// A function of the user's says what a session may touch, in the place of its scope.
import { afterEach, describe, expect, test } from "vitest";
import {
  createOrchestrator,
  type AgentOperation,
  type AuthorisationPolicy,
  type AuthoriseEffect,
  type Orchestrator,
  type Policy,
  type SessionCommand,
  type SessionEvent,
  type Verdict,
} from "@waybill/core";
import {
  chat,
  fakeTracker,
  fakeWorld,
  given,
  operation,
  reply,
  type Given,
} from "@waybill/core/testing";
import { opened, past } from "./pasts.ts";

const mark = (seq: number) => ({ seq, offset: 0 });
const idOf = (seq: number) => `s-1/run-1/${seq}`;

/** A session at work whose owner has a policy. */
function governed(policy: Partial<Policy> = {}): SessionEvent[] {
  return past.accepted().map((event): SessionEvent => {
    if (event.type === "SessionOpened") return opened(policy);
    if (event.type === "SessionOwned")
      return { ...event, data: { ...event.data, authorises: true } };
    return event;
  });
}

function word(seq: number, asked: AgentOperation): SessionCommand {
  const incoming = { type: "operation", operation: asked } as const;
  return {
    type: "Heard",
    runId: "run-1",
    words: [{ type: "word", word: incoming, mark: mark(seq), at: 0 }],
  };
}

/** The agent has asked for it, and the policy has not been heard. */
function asks(seq: number, asked: AgentOperation, before: Given = given(governed())): Given {
  return before.when(word(seq, asked)).thenTypes(["OperationRequested", "AuthorisationAsked"]);
}

function effectsOf(now: Given): readonly AuthoriseEffect[] {
  return now
    .pending()
    .flatMap((duty) => ("effect" in duty && duty.effect.type === "authorise" ? [duty.effect] : []));
}

function says(now: Given, value: Verdict): SessionCommand {
  const [effect] = effectsOf(now);
  return { type: "Succeeded", effect: effect!, value };
}

const away = { class: "permanent", code: "RULES_AWAY", message: "No rules." } as const;
const outside = chat("9", "hi");

describe("by the events", () => {
  test("every operation waits for the policy, those outside of the scope too", () => {
    for (const place of ["7", "9"]) {
      const asked = chat(place, "hi");
      const now = asks(5, asked);
      expect(effectsOf(now)).toEqual([
        { type: "authorise", operationId: idOf(5), target: `chat:${place}`, operation: asked },
      ]);
      expect(now.state.outbox.size).toBe(0);
    }
  });

  test("what it allows takes its place, once", () => {
    const now = asks(5, outside);
    const command = says(now, "allowed");
    const done = now.when(command).then([
      {
        type: "OperationAuthorised",
        data: { operationId: idOf(5), by: "policy", approvalUntil: null },
      },
      { type: "OperationAttempted", data: { operationId: idOf(5), attempt: 1, epoch: 1 } },
    ]);
    expect(effectsOf(done)).toEqual([]);
    done.when(command).thenNothing();
  });

  test("what it forbids is rejected with OPERATION_FORBIDDEN, in the scope too", () => {
    const now = asks(5, chat("7", "hi"));
    const done = now.when(says(now, "forbidden")).then([
      {
        type: "OperationRejected",
        data: {
          operationId: idOf(5),
          by: "policy",
          code: "OPERATION_FORBIDDEN",
          reason: "This session may not do chat.send on chat:7.",
        },
      },
    ]);
    expect(done.state.approvals.size).toBe(0);
    expect(done.state.answers.get(idOf(5))).toMatchObject({
      status: "rejected",
      error: { code: "OPERATION_FORBIDDEN" },
    });
  });

  test("what it leaves to a person waits for one, as does what the policy's `approve` names", () => {
    const asked = asks(5, outside);
    const named = asks(5, outside, given(governed({ approve: ["chat.send"] })));
    for (const now of [asked.when(says(asked, "ask")), named.when(says(named, "allowed"))]) {
      const held = now.thenTypes(["OperationAuthorised"]);
      expect(effectsOf(held)).toEqual([]);
      held.when(decision(true)).thenTypes(["ApprovalGranted", "OperationAttempted"]);
    }
  });

  test("a person allows nothing before the policy has, but may refuse it", () => {
    const now = asks(5, outside);
    now.when(decision(true)).thenRefused("NOT_AUTHORISED");
    now.when(decision(false)).thenTypes(["ApprovalDenied"]);
  });

  test("the policy is asked in the order of each target, and about several targets at once", () => {
    const now = asks(7, chat("8", "c"), asks(6, chat("9", "b"), asks(5, chat("9", "a"))));
    expect(effectsOf(now).map(({ operationId }) => operationId)).toEqual([idOf(5), idOf(7)]);
    const next = now
      .when(says(now, "allowed"))
      .thenTypes(["OperationAuthorised", "OperationAttempted"]);
    expect(effectsOf(next).map(({ operationId }) => operationId)).toEqual([idOf(6), idOf(7)]);
  });

  test("where it throws it is asked again later, and nothing of that is left when it has answered", () => {
    const now = asks(5, outside);
    const [effect] = effectsOf(now);
    const key = `op:${idOf(5)}/authorise`;
    const failed = { type: "Failed", key, effect: effect!, failure: away } as const;
    const later = now.when(failed).thenTypes(["EffectDeferred"]);
    expect(effectsOf(later)).toEqual([]);
    const { dueAt } = later.state.deferred.get(key)!;
    expect(later.pending().some((duty) => "at" in duty && duty.at === dueAt)).toBe(true);
    const due = later.pending({ now: dueAt });
    expect(due.map((duty) => duty.key)).toContain(key);
    const command = { type: "Succeeded", effect: effect!, value: "allowed" } as const;
    const done = later.when(command, { at: dueAt });
    const { state } = done.thenTypes(["OperationAuthorised", "OperationAttempted"]);
    expect(state.deferred.size).toBe(0);
    done.thenTypes(["OperationAuthorised", "OperationAttempted"]).when(failed).thenNothing();
  });

  test("a policy that says nothing in time allows nothing", () => {
    const now = asks(5, outside);
    const { until } = now.state.approvals.get(idOf(5))!;
    const seen = { now: until, aliveAt: until, caughtUpAt: null };
    const late = now.when({ type: "Tick", seen }, { at: until }).thenTypes(["ApprovalDenied"]);
    late.when(says(now, "allowed")).thenNothing();
  });

  test("the next owner asks its own policy; one that has none goes by the scope", () => {
    const now = asks(6, chat("7", "in"), asks(5, outside));
    const own = { type: "OwnSession", owner: "two", epoch: 2, trackerKeys: true } as const;
    const same = now.when({ ...own, authorises: true }).thenTypes(["SessionOwned"]);
    expect(effectsOf(same)).toHaveLength(2);
    const without = now
      .when(own)
      .thenTypes([
        "SessionOwned",
        "OperationRejected",
        "OperationAuthorised",
        "OperationAttempted",
      ]);
    expect(without.state.answers.get(idOf(5))?.error?.code).toBe("OUT_OF_SCOPE");
    expect(effectsOf(without)).toEqual([]);
  });

  test("what is asked of people is not the policy's", () => {
    const question = { type: "person.ask", question: "Which?" } as const;
    given(governed()).when(word(5, question)).thenTypes(["OperationRequested"]);
  });

  test("without a policy the scope says it, at once", () => {
    given(past.accepted())
      .when(word(5, outside))
      .thenTypes(["OperationRequested", "OperationRejected"]);
  });
});

function decision(granted: boolean): SessionCommand {
  return { type: "DecideApproval", operationId: idOf(5), granted, by: "Ada", reason: "No." };
}

const orchestrators: Orchestrator[] = [];
afterEach(async () => {
  for (const orchestrator of orchestrators.splice(0)) await orchestrator[Symbol.asyncDispose]();
});

const scope = { chats: ["7"] };

function worldOf(...targets: readonly string[]) {
  const { board } = fakeTracker({ chats: ["7", "9"] });
  const script = targets.flatMap((target) => [operation(chat(target, "hi")), reply("ok")]);
  const world = fakeWorld({ coder: script }, { tracker: () => fakeTracker({ board }) });
  const start = async (authorise?: AuthorisationPolicy): Promise<Orchestrator> => {
    const orchestrator = await createOrchestrator({
      ...world.ports(),
      ...(authorise === undefined ? {} : { authorise }),
    });
    orchestrators.push(orchestrator);
    return orchestrator;
  };
  const done = (): readonly string[] => board.messages.map(({ target }) => target);
  return { world, done, start };
}

describe("in an orchestrator", () => {
  test("it allows and denies by session and target, whatever the scope says", async () => {
    const { world, done, start } = worldOf("9", "7", "9");
    const asked: unknown[] = [];
    const orchestrator = await start((what) => {
      asked.push(what);
      return what.session === "trusted" && what.target === "chat:9";
    });
    const trusted = await orchestrator.open({ id: "trusted", agent: "coder", scope });
    await trusted.ask("outside of the scope, allowed");
    await trusted.ask("in the scope, forbidden");
    const other = await orchestrator.open({ id: "other", agent: "coder", scope });
    await other.ask("the same target, another session");
    expect(done()).toEqual(["9"]);
    expect(asked).toMatchObject([
      { session: "trusted", agent: "coder", tenant: null, target: "chat:9", inScope: false },
      { session: "trusted", target: "chat:7", inScope: true, scope: { chats: ["7"] } },
      { session: "other", target: "chat:9", inScope: false },
    ]);
    const { answers } = world.host.brain("coder");
    expect(answers.map(({ status }) => status)).toEqual(["delivered", "rejected", "rejected"]);
    expect(answers[2]?.error?.code).toBe("OPERATION_FORBIDDEN");
  });

  test("it may leave one to a person, who does not see it before", async () => {
    const { world, done, start } = worldOf("9");
    const { promise, resolve } = Promise.withResolvers<"ask">();
    const session = await (await start(() => promise)).open({ id: "s", agent: "coder", scope });
    const turn = session.ask("go");
    await world.clock.settle();
    expect(await session.approvals()).toEqual([]);
    expect(await session.status()).toBe("running");
    resolve("ask");
    await world.clock.settle();
    const [approval] = await session.approvals();
    expect(await session.grant(approval!.operation.id, { by: "Ada" })).toBe(true);
    await turn;
    expect(done()).toEqual(["9"]);
  });

  test("where it throws, or says nothing that can be understood, it is asked again", async () => {
    const { world, done, start } = worldOf("9");
    let calls = 0;
    const authorise = (() => {
      calls += 1;
      if (calls === 1) throw new Error("The rules are away.");
      return calls === 2 ? undefined : true;
    }) as AuthorisationPolicy;
    const session = await (await start(authorise)).open({ id: "s", agent: "coder", scope });
    await session.send("go");
    await world.clock.settle();
    expect([calls, done()]).toEqual([1, []]);
    await world.advance({ seconds: 10 });
    expect([calls, done()]).toEqual([3, ["9"]]);
  });

  test("the next orchestrator asks again, where the first died before it had an answer", async () => {
    const { world, done, start } = worldOf("9");
    const never: AuthorisationPolicy = () => new Promise(() => undefined);
    const first = await createOrchestrator({ ...world.ports(), authorise: never });
    await (await first.open({ id: "s", agent: "coder", scope })).send("go");
    await world.clock.settle();
    world.crash();
    await start(() => true);
    await world.advance({ seconds: 10 });
    expect(done()).toEqual(["9"]);
  });
});
