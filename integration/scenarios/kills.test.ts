// What dies while the model works: the real SDK, real processes, real kills.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
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

test("an orchestrator that is disposed of in mid-stream: the next one takes the run over, with one answer", async () => {
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

test("an orchestrator that is SIGKILLed in mid-stream: the agent works on, and the next one has its one answer", async () => {
  await using host = await open();
  const killed = await killedInMidStream(host, {
    env: { ANTHROPIC_BASE_URL: model.url, ANTHROPIC_API_KEY: "scripted" },
  });
  expect(killed).not.toContain("TurnEnded");
  await wholeAnswer(host);
});

test("an orchestrator that is SIGKILLed in mid-stream behind a gateway: the gateway streams on, and nothing is asked twice", async () => {
  const root = await mkdtemp(join(tmpdir(), "wb-gw-"));
  try {
    const terms = { root, upstream: model.url, apiKey: "real" };
    const gateway = modelGateway({ ...terms, credential: { apiKey: terms.apiKey } });
    await using host = await openTestHost({ transport: () => claudeAgent({}), gateway });
    await killedInMidStream(host, { env: {}, gateway: terms });
    const gateways = gatewaysIn(root);
    expect(gateways).toHaveLength(1);
    await wholeAnswer(host);
    expect(gatewaysIn(root)).toEqual(gateways);
    await gateway.close();
  } finally {
    await stopModelGateway({ root });
    await rm(root, { recursive: true, force: true });
  }
});

/** Half a minute's worth of words would be too long, and one breath too short to be killed in. */
const LONG_ANSWER = "slowly ".repeat(50).trimEnd();

/** Has an orchestrator of its own process ask, and kills it and its group while the model speaks. */
async function killedInMidStream(
  { data }: TestHost,
  terms: { readonly env: Readonly<Record<string, string>>; readonly gateway?: object },
): Promise<readonly string[]> {
  const message = scripted("Work.", ["pace 100", `say ${LONG_ANSWER}`]);
  const program = fileURLToPath(new URL("../fixtures/claude-orchestrator.ts", import.meta.url));
  const child = spawn(process.execPath, ["--conditions=@waybill/source", program], {
    env: { ...process.env, ORCHESTRATOR_TERMS: JSON.stringify({ data, message, ...terms }) },
    stdio: ["ignore", "pipe", "inherit"],
    detached: true,
  });
  let events = "";
  child.stdout.on("data", (chunk: Buffer) => (events += chunk.toString()));
  const ended = once(child, "exit");
  // The agent shows what the model says while it says it.
  await expect.poll(() => shown(data), { timeout: 30_000 }).toMatch(/slowly slowly/);
  process.kill(-(child.pid ?? 0), "SIGKILL");
  expect(await ended).toEqual([null, "SIGKILL"]);
  return events.trim().split("\n");
}

async function wholeAnswer(host: TestHost): Promise<void> {
  const next = await host.start();
  const ended = await eventOf(next, "s", "TurnEnded");
  expect(ended.data).toMatchObject({ outcome: "completed", text: LONG_ANSWER });
  expect(await countOf(next.session("s"), "RunRequested")).toBe(1);
  expect(await countOf(next.session("s"), "RunAdopted")).toBe(1);
  expect(model.requests.filter(({ did }) => did === "script")).toHaveLength(1);
}

/** What the runs have shown so far. */
function shown(data: string): string {
  const mail = join(data, "mail");
  if (!existsSync(mail)) return "";
  return readdirSync(mail, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".stream.jsonl"))
    .map((file) => readFileSync(join(mail, file), "utf8"))
    .flatMap((lines) => lines.split("\n").filter((line) => line !== ""))
    .map((line): string => JSON.parse(line).text ?? "")
    .join("");
}

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
