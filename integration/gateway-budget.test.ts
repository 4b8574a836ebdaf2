// The real Claude Agent SDK behind the real gateway, which alone knows what the session costs.
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { scriptedModel, type ScriptedModel } from "@waybill/agent/testing";
import type { Orchestrator, SessionRecord } from "@waybill/core";
import { modelGateway, stopModelGateway, type ModelGatewayOptions } from "@waybill/gateway";
import { claudeAgent, scripted, trackerTool } from "./claude-host.ts";
import { openTestHost, type TestHost } from "./host.ts";

let model: ScriptedModel;
let root: string;
beforeAll(async () => {
  model = await scriptedModel();
  root = await mkdtemp(join(tmpdir(), "wg-"));
});
afterAll(async () => {
  await stopModelGateway({ root });
  await rm(root, { recursive: true, force: true });
  await model.close();
});

const scope = { chats: ["7"], tasks: ["42"] };
const post = (content: string): string => trackerTool("chat_send", { chat: "7", content });
/** A dollar for 1,000 tokens in: more tokens would make the SDK shorten its conversation. */
const price = { input: 1_000, output: 0, cacheRead: 0, cacheWrite: 0 };

function open(options: Partial<ModelGatewayOptions>, budgetUsd: number | null): Promise<TestHost> {
  const gateway = modelGateway({
    root,
    upstream: model.url,
    credential: { apiKey: "scripted" },
    prices: { "claude-scripted": price },
    ...options,
  });
  const env = { ANTHROPIC_MODEL: "claude-scripted", ANTHROPIC_SMALL_FAST_MODEL: "claude-scripted" };
  return openTestHost({ transport: claudeAgent(env), gateway, policy: { budgetUsd } });
}

async function logOf(orchestrator: Orchestrator, id: string): Promise<readonly SessionRecord[]> {
  const records: SessionRecord[] = [];
  for await (const record of orchestrator.session(id).events({ until: "idle" })) {
    records.push(record);
  }
  return records;
}

test("a budget that is spent in mid-turn ends the turn as exhausted; raised, the session goes on", async () => {
  await using host = await open({}, 2);
  const orchestrator = await host.start();
  const session = await orchestrator.open({ id: "spent", agent: "coder", scope });
  const turn = await session.ask(
    scripted("Work.", ["usage input=3000", post("bought"), post("never")]),
  );
  expect(turn).toMatchObject({ outcome: "exhausted", error: { code: "BUDGET_SPENT" } });
  expect(host.tracker.records.messages.map(({ content }) => content)).toEqual(["bought"]);
  const log = await logOf(orchestrator, "spent");
  const types = log.map(({ type }) => type);
  expect(types.indexOf("BudgetExceeded")).toBeGreaterThan(types.indexOf("TurnEnded"));
  expect(log.filter(({ type }) => type === "GatewayRequestRefused")).toMatchObject([
    { data: { reason: "budget-spent", model: "claude-scripted", count: 1 } },
  ]);
  const { totals } = await session.state();
  // The gateway's figure, whatever the SDK makes of a model that it does not know.
  expect(totals).toMatchObject({ costUsd: 3, refusedRequests: 1 });

  await session.raiseBudget(10);
  const next = await session.ask(
    scripted("Go on.", ["instead", "usage input=1000", 'say "went on"']),
  );
  expect(next).toMatchObject({ outcome: "completed", text: "went on" });
  await expect.poll(async () => (await session.state()).totals.costUsd).toBe(4);
});

test("what a session costs is recorded once, although orchestrator and gateway die in between", async () => {
  await using host = await open({ budget: { tokens: 1_000_000 } }, null);
  const first = await host.start();
  const session = await first.open({ id: "counted", agent: "coder", scope });
  await session.ask(scripted("One.", ["usage input=1000 output=10", 'say "one"']));
  const asked = session.ask(
    scripted("Two.", [
      "usage input=2000 output=20",
      'tool Bash {"command":"sleep 2","description":"wait"}',
      "usage input=3000 output=30",
      'say "two"',
    ]),
  );
  await expect
    .poll(async () => (await session.state()).totals.meteredTokens, { timeout: 30_000 })
    .toBe(3_030);
  process.kill(Number(await readFile(join(root, "pid"), "utf8")), "SIGKILL");
  expect((await asked).text).toBe("two");
  await expect
    .poll(async () => (await session.state()).totals.meteredTokens, { timeout: 30_000 })
    .toBe(6_060);
  await session.close();
  const log = await logOf(first, "counted");
  const usage = log.filter((record) => record.type === "ModelUsageRecorded");
  expect(usage.map(({ data }) => data.inputTokens)).toEqual([1_000, 2_000, 3_000]);
  expect(new Set(usage.map(({ data }) => data.reading.ledger)).size).toBe(1);
});
