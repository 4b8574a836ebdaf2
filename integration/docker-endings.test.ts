// What a session makes of containers that end as none should.
import { execa } from "execa";
import { expect, test } from "vitest";
import type { SessionRecord } from "@waybill/core";
import { describeWithDocker } from "./docker-engine.ts";
import { containedRawAgent, rawImage } from "./docker-raw-agent.ts";
import { eventOf, openTestHost, script } from "./host.ts";

const scope = { chats: ["7"], tasks: [] };
const post = (content: string): object => ({ ask: { type: "chat.send", chat: "7", content } });
const docker = async (...args: string[]): Promise<string> =>
  (await execa("docker", args, { reject: false, all: true })).all;

await describeWithDocker("a session whose container", [rawImage], () => {
  test.concurrent.for([
    ["exits with 0 and without a result", 0, { exitCode: 0, signal: null }],
    ["exits with 1", 1, { exitCode: 1, signal: null }],
    ["exits with 125, the engine's own code", 125, { exitCode: 125, signal: null }],
    ["exits with 139", 139, { exitCode: null, signal: "SIGSEGV" }],
    ["is killed", "kill", { exitCode: null, signal: "SIGKILL" }],
  ] as const)("%s is no success: another run ends the turn, once", async ([, exit, told]) => {
    await using host = await openTestHost({ transport: containedRawAgent() });
    const orchestrator = await host.start();
    const session = await orchestrator.open({ id: "s", agent: "coder", scope });
    const turn = await session.ask(script([post("before"), { exit }, post("after")], "in the end"));
    expect(turn).toMatchObject({ outcome: "completed", text: "in the end" });
    const exited = await eventOf(orchestrator, "s", "RunExited");
    expect(exited.data).toMatchObject({ ...told, oomKilled: false });
    const types: SessionRecord["type"][] = [];
    for await (const { type } of session.events({ until: "idle" })) types.push(type);
    expect(types.filter((type) => type === "TurnEnded")).toHaveLength(1);
    expect(types.filter((type) => type === "RunStarted")).toHaveLength(2);
    expect(host.tracker.records.messages.map(({ content }) => content)).toEqual([
      "before",
      "after",
    ]);
    await session.close();
    await eventOf(orchestrator, "s", "SessionClosed");
    const left = ["ps", "--all", "--quiet", "--filter", `label=waybill.run=${exited.data.runId}`];
    expect(await docker(...left)).toBe("");
  });

  test.concurrent("is removed by hand in the middle of a turn goes on in another", async () => {
    await using host = await openTestHost({ transport: containedRawAgent() });
    const orchestrator = await host.start();
    const session = await orchestrator.open({ id: "s", agent: "coder", scope });
    const turn = session.ask(script([post("before"), { wait: 8_000 }, post("after")]));
    const started = await eventOf(orchestrator, "s", "RunStarted");
    await eventOf(orchestrator, "s", "OperationAnswered");
    await docker("rm", "--force", `waybill-${started.data.runId}`);
    expect(await turn).toMatchObject({ outcome: "completed" });
    await eventOf(orchestrator, "s", "RunLost");
    expect(host.tracker.records.messages.map(({ content }) => content)).toEqual([
      "before",
      "after",
    ]);
  });
});
