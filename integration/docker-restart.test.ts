// An engine that is restarted in the middle of a turn: a second one, never the machine's.
import { afterAll, beforeAll, expect, test } from "vitest";
import type { SessionHandle, SessionRecord } from "@waybill/core";
import { describeWithDocker } from "./docker-engine.ts";
import { containedRawAgent, rawImage } from "./docker-raw-agent.ts";
import { secondEngine, type SecondEngine } from "./docker-second-engine.ts";
import { eventOf, openTestHost, script, type TestHost } from "./host.ts";

const scope = { chats: ["7"], tasks: [] };
const post = (content: string): object => ({ ask: { type: "chat.send", chat: "7", content } });

if (process.getuid?.() === 0)
  await describeWithDocker("an engine that restarts", [rawImage], restarts);
else test.skipIf(true)("an engine that restarts: skipped, it needs root", () => undefined);

function restarts(): void {
  let engine: SecondEngine;
  beforeAll(async () => {
    engine = await secondEngine(rawImage);
  });
  afterAll(() => engine[Symbol.asyncDispose]());

  const openHost = (): Promise<TestHost> =>
    openTestHost({
      transport: containedRawAgent({ host: engine.address }),
    });

  test.for(["SIGTERM", "SIGKILL"] as const)(
    "with live-restore, %s: the same run ends its turn, and nobody takes it for dead",
    async (signal) => {
      await engine.end("SIGTERM");
      await engine.start({ liveRestore: true });
      await using host = await openHost();
      const orchestrator = await host.start();
      const session = await orchestrator.open({ id: "s", agent: "coder", scope });
      const turn = session.ask(
        script([{ wait: 2_000 }, post("while it was away"), { wait: 2_000 }]),
      );
      await eventOf(orchestrator, "s", "MessageAccepted");
      await engine.end(signal);
      // The agent works on, and is heard, with no engine there.
      await eventOf(orchestrator, "s", "OperationDelivered");
      await engine.start({ liveRestore: true });
      expect(await turn).toMatchObject({ outcome: "completed", text: "done" });
      expect(await session.ask("and now?")).toMatchObject({ text: "You said: and now?" });
      await session.close();
      const exit = await eventOf(orchestrator, "s", "RunExited");
      expect(exit.data).toMatchObject({ exitCode: 0, signal: null });
      const types = await typesOf(session);
      expect(types.filter((type) => type === "RunStarted")).toHaveLength(1);
      expect(types).not.toContain("RunLost");
      expect(host.tracker.records.messages).toHaveLength(1);
    },
  );

  test("without live-restore: the agent takes its leave, and a second run goes on with its turn", async () => {
    await engine.end("SIGTERM");
    await engine.start({ liveRestore: false });
    await using host = await openHost();
    const orchestrator = await host.start();
    const session = await orchestrator.open({ id: "s", agent: "coder", scope });
    const turn = session.ask(script([post("once"), { wait: 8_000 }, post("twice")]));
    await eventOf(orchestrator, "s", "OperationDelivered");
    await engine.end("SIGTERM");
    // The agent was asked to end, said so, and the word is here before the engine is. Nobody had
    // asked for an interrupt, so the message is not settled by it.
    const broken = await eventOf(orchestrator, "s", "TurnEnded");
    expect(broken.data).toMatchObject({ outcome: "interrupted", messageIds: [] });
    await engine.start({ liveRestore: false });
    expect(await turn).toMatchObject({ outcome: "completed", text: "done" });
    const types = await typesOf(session);
    expect(types.filter((type) => type === "RunExited")).toHaveLength(1);
    expect(types.filter((type) => type === "RunStarted")).toHaveLength(2);
    expect(host.tracker.records.messages.map(({ content }) => content)).toEqual(["once", "twice"]);
  });

  test("a power cut: the run's end is told as unseen, and a second run ends the turn", async () => {
    await engine.end("SIGTERM");
    await engine.start({ liveRestore: false });
    await using host = await openHost();
    const orchestrator = await host.start();
    const session = await orchestrator.open({ id: "s", agent: "coder", scope });
    const turn = session.ask(script([post("once"), { wait: 5_000 }, post("twice")]));
    await eventOf(orchestrator, "s", "OperationAnswered");
    await engine.cutPower();
    await engine.start({ liveRestore: false });
    expect(await turn).toMatchObject({ outcome: "completed", text: "done" });
    const exit = await eventOf(orchestrator, "s", "RunExited");
    expect(exit.data).toMatchObject({
      exitCode: null,
      signal: null,
      detail: expect.stringContaining("did not see"),
    });
    const types = await typesOf(session);
    expect(types.filter((type) => type === "RunStarted")).toHaveLength(2);
    expect(host.tracker.records.messages.map(({ content }) => content)).toEqual(["once", "twice"]);
  });
}

async function typesOf(session: SessionHandle): Promise<SessionRecord["type"][]> {
  const types: SessionRecord["type"][] = [];
  for await (const { type } of session.events({ until: "idle" })) types.push(type);
  return types;
}
