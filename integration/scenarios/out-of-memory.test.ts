// A run that wants more memory than it may have: the real agent in a container, killed by the kernel.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { scriptedModel, type ScriptedModel } from "@waybill/agent/testing";
import type { Orchestrator, SessionRecord } from "@waybill/core";
import { modelGateway, stopModelGateway } from "@waybill/gateway";
import { dockerTransport } from "@waybill/transport-docker";
import { afterEach, beforeEach, expect, test } from "vitest";
import { scripted } from "../claude-host.ts";
import { describeWithDocker } from "../docker-engine.ts";
import { openTestHost, type TestHost } from "../host.ts";

const image = process.env["RUNNER_IMAGE"] ?? "team-board-agent:latest";

await describeWithDocker("out of memory", [image], () => {
  let model: ScriptedModel;
  let root: string;
  beforeEach(async () => {
    model = await scriptedModel();
    root = await mkdtemp(join(tmpdir(), "wb-gw-"));
  });
  afterEach(async () => {
    await stopModelGateway({ root });
    await model.close();
    await rm(root, { recursive: true, force: true });
  });

  const open = (memory: string, failures = 5): Promise<TestHost> =>
    openTestHost({
      transport: () => dockerTransport({ image, memory }),
      gateway: modelGateway({ root, upstream: model.url, credential: { apiKey: "real" } }),
      policy: { failures },
    });

  test("OOM in mid-turn under the memory limit: the run's end says so, and the next run answers", async () => {
    await using host = await open("400m");
    const orchestrator = await host.start();
    const session = await orchestrator.open({ id: "s", agent: "coder" });
    // The kernel takes what has the highest score: the model's program, and not its greedy tool.
    const greedy = [
      "sleep 1",
      'for p in /proc/[0-9]*; do [ "$(cat $p/comm)" = claude ] && echo 1000 > $p/oom_score_adj; done',
      `exec node -e "for (const all = []; ; ) all.push(Buffer.alloc(8e6, 1))"`,
    ].join("; ");
    await session.send(
      scripted("Work.", [
        `tool Bash ${JSON.stringify({ command: greedy, description: "Take it all" })}`,
        "say alive again",
      ]),
    );
    const events = await until(orchestrator, "TurnEnded");
    expect(dataOf(events, "RunExited")).toMatchObject([
      { oomKilled: true, detail: expect.stringMatching(/ran out of memory .* Give it more/) },
    ]);
    expect(dataOf(events, "RestartScheduled")).toMatchObject([
      { reason: "OUT_OF_MEMORY", class: "transient" },
    ]);
    expect(dataOf(events, "TurnEnded")).toMatchObject([
      { outcome: "completed", text: "alive again" },
    ]);
    expect(dataOf(events, "RunRequested")).toHaveLength(2);
  });

  test("OOM in every run: after so many the session is parked with that as the reason, and the message waits", async () => {
    await using host = await open("100m", 2);
    const orchestrator = await host.start();
    const session = await orchestrator.open({ id: "s", agent: "coder" });
    await session.send(scripted("Work.", ["say never"]));
    const events = await until(orchestrator, "SessionParked");
    expect(dataOf(events, "SessionParked")).toMatchObject([
      { reason: "crash_loop", failure: { code: "OUT_OF_MEMORY" }, until: null },
    ]);
    expect(dataOf(events, "RunExited")).toMatchObject([{ oomKilled: true }, { oomKilled: true }]);
    expect((await session.state()).messages.size).toBe(1);
    expect(model.requests).toEqual([]);
  });
});

function dataOf(
  events: readonly SessionRecord[],
  type: SessionRecord["type"],
): readonly SessionRecord["data"][] {
  return events.flatMap((event) => (event.type === type ? [event.data] : []));
}

/** The session's events up to the first of this type. */
async function until(
  orchestrator: Orchestrator,
  type: SessionRecord["type"],
): Promise<readonly SessionRecord[]> {
  const events: SessionRecord[] = [];
  const signal = AbortSignal.timeout(50_000);
  for await (const event of orchestrator.session("s").events({ signal })) {
    events.push(event);
    if (event.type === type) return events;
  }
  throw new Error(`No ${type} came: ${events.map((event) => event.type).join(" ")}`);
}
