// The real Claude Agent SDK, talking to a scripted model, as a child process.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { scriptedModel, type ScriptedModel } from "@waybill/agent/testing";
import { claudeAgent, processesOf, scripted, trackerTool } from "./claude-host.ts";
import { eventOf, openTestHost, type TestHost } from "./host.ts";

let model: ScriptedModel;
beforeAll(async () => {
  model = await scriptedModel();
});
afterAll(async () => {
  await model.close();
});

const scope = { chats: ["7"], tasks: ["42"] };
const post = (content: string): string => trackerTool("chat_send", { chat: "7", content });

function open(): Promise<TestHost> {
  const env = { ANTHROPIC_BASE_URL: model.url, ANTHROPIC_API_KEY: "scripted" };
  return openTestHost({ transport: claudeAgent(env) });
}

describe("the Claude agent", () => {
  test("a message whose run is killed in mid-tool is answered exactly once after the resume", async () => {
    await using host = await open();
    const orchestrator = await host.start();
    const session = await orchestrator.open({ id: "s", agent: "coder", scope });
    const asked = session.ask(
      scripted("Work.", [
        post("before the kill"),
        'tool Bash {"command":"sleep 3; echo slept","description":"wait"}',
        post("after the kill"),
        'say "All done."',
      ]),
    );
    await expect.poll(() => host.tracker.records.messages.length, { timeout: 30_000 }).toBe(1);
    await expect
      .poll(() => processesOf(host.data).some(({ command }) => command.startsWith("sleep 3")), {
        timeout: 15_000,
      })
      .toBe(true);
    for (const { pid, command } of processesOf(host.data)) {
      if (/agent\/src\/main|claude/.test(command)) process.kill(pid, "SIGKILL");
    }
    const turn = await asked;
    expect(turn).toMatchObject({ outcome: "completed" });
    expect(turn.text).toContain("All done.");
    const contents = host.tracker.records.messages.map(({ content }) => content);
    expect(contents).toEqual(["before the kill", "after the kill"]);
    const types = [];
    for await (const { type } of session.events({ until: "idle" })) types.push(type);
    expect(types.filter((type) => type === "TurnEnded")).toHaveLength(1);
    expect(types.filter((type) => type === "ContinuationQueued")).toHaveLength(1);
  });

  test("a follow-up in mid-turn joins it, and text that looks like a command stays text", async () => {
    await using host = await open();
    const session = await (await host.start()).open({ id: "s", agent: "coder", scope });
    const first = session.ask(
      scripted("Work.", [post("one"), "wait 1500", post("two"), 'say "first"']),
    );
    await expect.poll(() => host.tracker.records.messages.length, { timeout: 30_000 }).toBe(1);
    const second = session.ask(scripted("/clear", [post("three"), 'say "second"']));
    const [one, two] = await Promise.all([first, second]);
    expect(one.text).toBe(two.text);
    expect(host.tracker.records.messages.map(({ content }) => content)).toEqual([
      "one",
      "two",
      "three",
    ]);
  });

  test("an interrupt ends the turn as interrupted, and the session goes on", async () => {
    await using host = await open();
    const orchestrator = await host.start();
    const session = await orchestrator.open({ id: "s", agent: "coder", scope });
    const asked = session.ask(
      scripted("Work.", ['tool Bash {"command":"sleep 60","description":"wait"}', 'say "late"']),
    );
    await eventOf(orchestrator, "s", "TurnStarted");
    await expect
      .poll(() => processesOf(host.data).some(({ command }) => command.startsWith("sleep 60")), {
        timeout: 15_000,
      })
      .toBe(true);
    await session.interrupt();
    expect((await asked).outcome).toBe("interrupted");
    expect((await session.ask(scripted("Again.", ['say "here"']))).text).toBe("here");
  });

  test("an error of the model is a failed turn and no success", async () => {
    await using host = await open();
    const session = await (await host.start()).open({ id: "s", agent: "coder", scope });
    const turn = await session.ask(scripted("Work.", ["fail 400 times=9", 'say "never"']));
    expect(turn.outcome).toBe("failed");
  });

  test("a fork goes on from the end of a turn, and neither session knows what the other did since", async () => {
    await using host = await open();
    const orchestrator = await host.start();
    const session = await orchestrator.open({ id: "parent", agent: "coder", scope });
    await session.ask(scripted("The code word is Heron-7.", ['say "Noted."']));
    const first = await eventOf(orchestrator, "parent", "TurnEnded");
    await session.ask(scripted("Another word is Crane-9.", ['say "Noted too."']));

    const fork = await session.fork({ id: "child", turn: first.data.turnId });
    const recall = (word: string): readonly string[] => [
      `recall /${word} word is ([\\w-]+)/ It was $1.`,
    ];
    expect((await fork.ask(scripted("Which?", recall("code")))).text).toContain("Heron-7");
    const restored = await eventOf(orchestrator, "child", "ContextRestored");
    expect(restored.data.from).toBe("native");
    const asked = JSON.stringify(model.requests.at(-1)?.body);
    expect(asked).toContain("Heron-7");
    expect(asked).not.toContain("Crane-9");
    expect((await session.ask(scripted("And the other?", recall("Another")))).text).toContain(
      "Crane-9",
    );
  });
});
