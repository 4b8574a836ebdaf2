// What we ship as fakes keeps the promises that the adapters keep.
import { describe, expect, test } from "vitest";
import {
  chat,
  FakeHost,
  gatewayContract,
  mailboxContract,
  manualClock,
  operation,
  transportContract,
} from "@waybill/core/testing";
import { fakeGatewayFixture, fakeMailboxFixture, fakeTransportFixture } from "./fake-fixtures.ts";

const skipped = (name: string, reason: string): void =>
  test.skipIf(true)(`${name} (skipped: ${reason})`, () => undefined);

describe("transportContract on the fake machine", () => {
  transportContract({
    test,
    create: fakeTransportFixture,
    skip: {
      "stop() leaves no descendant, not even one with a session of its own":
        "A fake run is one object: it has no processes, and so no descendants.",
    },
    skipped,
  });
});

describe("mailboxContract on the fake machine", () => {
  const noDisk = "A fake machine has no folders on the disk.";
  mailboxContract({
    test,
    create: fakeMailboxFixture,
    skip: {
      "prepare() gives a plan in which everything that it names exists": noDisk,
      "remove() keeps workspace, control and launch folder": noDisk,
      "erase() removes workspace and state of the session, for good, and is safe to repeat": noDisk,
    },
    skipped,
  });
});

describe("gatewayContract on the fake gateway", () => {
  gatewayContract({ test, create: fakeGatewayFixture, skipped });
});

describe("what a fake machine has in place of folders", () => {
  test("erase() takes the session's memory, for good, and no other's", async () => {
    await using fixture = await fakeMailboxFixture();
    const { host, mailbox, run } = fixture;
    const spec = run();
    const other = run();
    await mailbox.prepare(spec);
    await mailbox.prepare(other);
    const brain = host.brain("coder");
    brain.hold(spec.conversation.id, "m1", "a secret");
    brain.hold(other.conversation.id, "m1", "another's");
    await mailbox.erase(spec.sessionId);
    await mailbox.erase(spec.sessionId);
    expect(brain.remembers(spec.conversation.id)).toBe(false);
    expect(brain.remembers(other.conversation.id)).toBe(true);
    const again = mailbox.prepare(run({ sessionId: spec.sessionId }));
    await expect(again).rejects.toMatchObject({ code: "SESSION_ERASED" });
  });

  test("a run that is stopped before it is prepared never starts", async () => {
    await using fixture = await fakeMailboxFixture();
    const { host, mailbox, run } = fixture;
    const spec = run();
    await host.transport().stop(mailbox.locate(spec), 0);
    const plan = await mailbox.prepare(spec);
    await expect(host.transport().start(plan)).rejects.toMatchObject({ code: "RUN_ENDED" });
    expect(host.live()).toEqual([]);
  });
});

test("a fake agent shows life every five seconds while it waits for an answer, and no longer", async () => {
  await using fixture = await fakeMailboxFixture();
  const clock = manualClock();
  const host = new FakeHost({ coder: [operation(chat("7", "hi"))] }, clock);
  const mailbox = host.mailbox();
  const plan = await mailbox.prepare(fixture.run());
  await host.transport().start(plan);
  const message = { type: "message", id: "m1", delivery: 1, position: 1 } as const;
  await mailbox.put(plan, { ...message, text: "go", from: null });
  const begun = clock.now();
  await clock.advance({ seconds: 12 });
  const run = host.runs.get(plan.runId);
  expect(run?.aliveAt).toBe(begun + 10_000);
  await mailbox.put(plan, { type: "answer", re: 3, status: "delivered" });
  await clock.advance({ seconds: 12 });
  expect(run?.aliveAt).toBe(begun + 10_000);
});
