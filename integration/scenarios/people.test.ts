// What the Claude agent asks of people, over the whole way and a restart of the orchestrator.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { scriptedModel, type ScriptedModel } from "@waybill/agent/testing";
import type { Orchestrator, SessionRecord } from "@waybill/core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { claudeAgent, scripted } from "../claude-host.ts";
import { eventOf, openTestHost, type TestHost } from "../host.ts";

let model: ScriptedModel;
beforeAll(async () => {
  model = await scriptedModel();
});
afterAll(() => model.close());

function open(permissions: string): Promise<TestHost> {
  const env = { ANTHROPIC_BASE_URL: model.url, ANTHROPIC_API_KEY: "scripted" };
  return openTestHost({ transport: () => claudeAgent(env), config: { permissions } });
}

test("a tool waits for leave over a restart of the orchestrator, and runs once it is given", async () => {
  await using host = await open("ask");
  const first = await host.start();
  const { id } = await first.open({ id: "s", agent: "coder" });
  await first
    .session(id)
    .send(scripted("Work.", [`tool Bash {"command":"touch made"}`, 'say "made"']));
  const { data } = await eventOf(first, id, "OperationRequested");
  expect(data.operation).toMatchObject({ type: "person.permit", tool: "Bash" });
  expect(await first.session(id).status()).toBe("asking");
  await first[Symbol.asyncDispose]();

  const again = await host.start();
  const session = again.session(id);
  const [waiting] = await session.approvals();
  expect(waiting?.operation.id).toBe(data.operationId);
  expect(filesOf(host)).not.toContain("made");
  expect(await session.grant(data.operationId, { by: "Ada" })).toBe(true);
  expect((await ended(again, id)).data).toMatchObject({ outcome: "completed", text: "made" });
  expect(filesOf(host)).toContain("made");
});

test("a question of the model's is answered by the API, and an unanswered one ends with an interrupt", async () => {
  await using host = await open("unattended");
  const orchestrator = await host.start();
  const session = await orchestrator.open({ id: "s", agent: "coder" });
  const turn = session.ask(
    scripted("Work.", [
      `tool ask_person {"question":"Which?"}`,
      "recall /answered:\\n(\\w+)/ I take $1.",
    ]),
  );
  const { data } = await eventOf(orchestrator, "s", "OperationRequested");
  await session.answer(data.operationId, "SQLite", { by: "Ada" });
  expect((await turn).text).toBe("I take SQLite.");

  const next = session.ask(
    scripted("More.", [`tool ask_person {"question":"And now?"}`, "say no"]),
  );
  await eventOf(orchestrator, "s", "OperationRequested", (event) => event.version > 12);
  await session.interrupt();
  expect((await next).outcome).toBe("interrupted");
  await eventOf(orchestrator, "s", "ApprovalWithdrawn");
  expect(await session.approvals()).toEqual([]);
});

function ended(orchestrator: Orchestrator, id: string): Promise<SessionRecord<"TurnEnded">> {
  return eventOf(orchestrator, id, "TurnEnded");
}

function filesOf({ data }: TestHost): readonly string[] {
  return readdirSync(join(data, "mail"), { recursive: true, encoding: "utf8" }).map(
    (path) => path.split("/").at(-1) ?? "",
  );
}
