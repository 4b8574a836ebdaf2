// What dies while the model works: the real SDK, real processes, real kills.
import { readFileSync, readdirSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { scriptedModel, type ScriptedModel } from "@waybill/agent/testing";
import type { SessionHandle, SessionRecord } from "@waybill/core";
import { modelGateway, stopModelGateway } from "@waybill/gateway";
import { afterEach, beforeEach, expect, test } from "vitest";
import { claudeAgent, processesOf, scripted } from "../claude-host.ts";
import { eventOf, openTestHost, type TestHost } from "../host.ts";

let model: ScriptedModel;
beforeEach(async () => {
  model = await scriptedModel();
});
afterEach(() => model.close());

function open(): Promise<TestHost> {
  const env = { ANTHROPIC_BASE_URL: model.url, ANTHROPIC_API_KEY: "scripted" };
  return openTestHost({ transport: () => claudeAgent(env) });
}

test("SIGKILL before the first token: the message is answered once, by the next run", async () => {
  await using host = await open();
  const session = await (await host.start()).open({ id: "s", agent: "coder" });
  const turn = session.ask(scripted("The word is heron.", ["hang", "say answered"]));
  await expect.poll(() => model.requests.length, { timeout: 30_000 }).toBe(1);
  killRun(host);
  expect(await turn).toMatchObject({ outcome: "completed", text: "answered" });
  expect(await countOf(session, "TurnEnded")).toBe(1);
  // The model read the message once, whichever run gave it.
  expect(JSON.stringify(model.requests.at(-1)?.body).match(/The word is heron/g)).toHaveLength(1);
});

test("SIGKILL after the result, with nobody there to read it: it is read later, and nothing is asked again", async () => {
  await using host = await open();
  const first = await host.start();
  const session = await first.open({ id: "s", agent: "coder" });
  await session.send(scripted("Work.", ["say one", "wait 1500", "say two"]));
  await eventOf(first, "s", "TurnStarted");
  await first[Symbol.asyncDispose]();
  await expect.poll(() => wordsOf(host).join(), { timeout: 30_000 }).toContain('"turn_ended"');
  killRun(host);

  const again = await host.start();
  const ended = await eventOf(again, "s", "TurnEnded");
  expect(ended.data).toMatchObject({ outcome: "completed", text: "one\n\ntwo" });
  expect(model.requests).toHaveLength(1);
  const next = await again.session("s").ask(scripted("More.", ["say three"]));
  expect(next).toMatchObject({ outcome: "completed", text: "three" });
});

test("an orchestrator that goes away in mid-stream: the next one takes the run over, with one answer", async () => {
  await using host = await open();
  const first = await host.start();
  const session = await first.open({ id: "s", agent: "coder" });
  await session.send(scripted("Work.", ["pace 100", `say ${"slowly ".repeat(40)}`]));
  await eventOf(first, "s", "TurnStarted");
  await first[Symbol.asyncDispose]();
  const again = await host.start();
  const ended = await eventOf(again, "s", "TurnEnded");
  expect(ended.data.outcome).toBe("completed");
  expect(await countOf(again.session("s"), "RunRequested")).toBe(1);
  expect(model.requests).toHaveLength(1);
});

test("a gateway that is killed in mid-stream: it comes back, and the turn is completed", async () => {
  const root = await mkdtemp(join(tmpdir(), "wb-gw-"));
  try {
    const gateway = modelGateway({ root, upstream: model.url, credential: { apiKey: "real" } });
    await using host = await openTestHost({ transport: claudeAgent({}), gateway });
    const session = await (await host.start()).open({ id: "s", agent: "coder" });
    const turn = session.ask(
      scripted("Work.", [
        "pace 100",
        `say ${"slowly ".repeat(30)}`,
        `tool Bash {"command":"true"}`,
        "say done",
      ]),
    );
    await expect.poll(() => model.requests.length, { timeout: 30_000 }).toBe(1);
    const before = gatewaysIn(root);
    expect(before).toHaveLength(1);
    for (const pid of before) process.kill(pid, "SIGKILL");
    expect(await turn).toMatchObject({ outcome: "completed" });
    expect(gatewaysIn(root)).not.toEqual(before);
    await gateway.close();
  } finally {
    await stopModelGateway({ root });
    await rm(root, { recursive: true, force: true });
  }
});

function killRun({ data }: TestHost): void {
  const agents = processesOf(data).filter(({ command }) => /agent\/src\/main|claude/.test(command));
  expect(agents.length).toBeGreaterThan(0);
  for (const { pid } of agents) process.kill(pid, "SIGKILL");
}

/** What the run has said and nobody has taken. */
function wordsOf({ data }: TestHost): readonly string[] {
  const files = readdirSync(join(data, "mail"), { recursive: true, encoding: "utf8" });
  return files
    .filter((file) => /outbox\/\d{16}\.json$/.test(file))
    .map((file) => readFileSync(join(data, "mail", file), "utf8"));
}

function gatewaysIn(root: string): readonly number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && commandOf(name).includes(root))
    .map(Number);
}

function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch {
    return ""; // it has ended
  }
}

async function countOf(session: SessionHandle, type: SessionRecord["type"]): Promise<number> {
  let found = 0;
  for await (const event of session.events({ until: "idle" })) if (event.type === type) found += 1;
  return found;
}
