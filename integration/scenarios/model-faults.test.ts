// What goes wrong at the model, as the log records it: the real SDK against a scripted model.
import { scriptedModel, type ScriptedModel } from "@waybill/agent/testing";
import type { JsonObject, Policy, SessionHandle, SessionRecord } from "@waybill/core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { claudeAgent, scripted } from "../claude-host.ts";
import { openTestHost, type TestHost } from "../host.ts";

let model: ScriptedModel;
beforeAll(async () => {
  model = await scriptedModel();
});
afterAll(() => model.close());

/** Nothing is repeated inside of a turn here: what the host makes of it is what is looked at. */
const config = { maxRetries: 0 };

function open(
  policy: Partial<Policy> = {},
  more: JsonObject = config,
  credential: Readonly<Record<string, string>> = { ANTHROPIC_API_KEY: "scripted" },
): Promise<TestHost> {
  const env = { ANTHROPIC_BASE_URL: model.url, ...credential };
  return openTestHost({ transport: claudeAgent(env), policy, config: more });
}

/** What the model was asked in the conversation that this text began. */
function requestsWith(text: string): readonly ScriptedModel["requests"][number][] {
  return model.requests.filter(({ body }) => JSON.stringify(body).includes(text));
}

test("401: the turn fails for good, nothing is tried again, and the session goes on", async () => {
  await using host = await open();
  const session = await (await host.start()).open({ id: "s", agent: "coder" });
  const turn = await session.ask(scripted("Work.", ["fail 401 times=always", "say never"]));
  expect(turn).toMatchObject({ outcome: "failed", error: { code: "MODEL_UNAUTHORIZED" } });
  expect(turn.error).toMatchObject({ class: "permanent" });
  expect(count(await eventsOf(session), "TurnEnded")).toBe(1);
  expect((await session.ask(scripted("Again.", ["instead", "say here"]))).text).toBe("here");
});

test("429 with Retry-After: the turn waits so long, asks nothing meanwhile, and then answers", async () => {
  await using host = await open({}, { maxRetries: 1 });
  const session = await (await host.start()).open({ id: "s", agent: "coder" });
  const turn = await session.ask(scripted("Waits.", ["fail 429 retry-after=3", "say waited"]));
  expect(turn).toMatchObject({ outcome: "completed", text: "waited" });
  const [refused, again] = requestsWith("Waits.");
  expect(again?.status).toBe(200);
  expect((again?.at ?? 0) - (refused?.at ?? 0)).toBeGreaterThanOrEqual(3_000);
  expect(requestsWith("Waits.")).toHaveLength(2);
});

test("429 with Retry-After of more than a minute: the session is parked, without a run, and tries again", async () => {
  await using host = await open({ retryCapMs: 300 });
  const session = await (await host.start()).open({ id: "s", agent: "coder" });
  const script = ["fail 429 times=1 retry-after=90", "say after the limit"];
  await session.send(scripted("Work.", script));
  const events = await until(session, (each) => answered(each, "after the limit"));
  const parked = events.find((event) => event.type === "SessionParked");
  expect(parked?.data).toMatchObject({ reason: "rate_limited", failure: { class: "rate" } });
  expect(events.find((event) => event.type === "SessionUnparked")?.data.reason).toBe("due");
  expect(count(events, "RunRequested")).toBe(2);
});

test("429 with a reset instant: the session is parked until then, asks nothing before, and goes on by itself", async () => {
  await using host = await open({ retryCapMs: 100 }, config, {
    CLAUDE_CODE_OAUTH_TOKEN: "sk-ant-oat01-scripted",
  });
  const session = await (await host.start()).open({ id: "s", agent: "coder" });
  await session.send(scripted("Limited.", ["fail 429 resets-in=6", "say after the reset"]));
  const events = await until(session, (each) => answered(each, "after the reset"));
  const [refused, next] = requestsWith("Limited.");
  // The API names a second, and the scripted model rounds up.
  const resets = Math.ceil((refused?.at ?? 0) / 1_000 + 6) * 1_000;
  const parked = events.find((event) => event.type === "SessionParked");
  expect(parked?.data.reason).toBe("rate_limited");
  expect(Math.abs((parked?.data.until ?? 0) - resets)).toBeLessThanOrEqual(1_000);
  expect(next?.at).toBeGreaterThanOrEqual(parked?.data.until ?? Number.POSITIVE_INFINITY);
  expect(requestsWith("Limited.")).toHaveLength(2);
  // Nothing runs while it waits: the one run is over, and the other begins at the instant.
  const place = (type: SessionRecord["type"]): number =>
    events.findIndex((event) => event.type === type);
  expect(place("RunExited")).toBeLessThan(place("SessionParked"));
  expect(events.find((event) => event.type === "SessionUnparked")?.data.reason).toBe("due");
  expect(count(events, "RunRequested")).toBe(2);
});

test("500 three times, then fine: what one run cannot get past, the next one does", async () => {
  await using host = await open({}, { maxRetries: 1 });
  const session = await (await host.start()).open({ id: "s", agent: "coder" });
  await session.send(scripted("Work.", ["fail 500 times=3", "say after all"]));
  const events = await until(session, (each) => answered(each, "after all"));
  expect(count(events, "RestartScheduled")).toBe(1);
  expect(count(events, "MessageQueued")).toBe(1);
  expect(await session.status()).toBe("idle");
});

test("529 without an end: after so many runs the session is parked for a person, with the reason", async () => {
  await using host = await open({ failures: 2 });
  const session = await (await host.start()).open({ id: "s", agent: "coder" });
  await session.send(scripted("Work.", ["fail 529 times=always", "say never"]));
  const events = await until(session, ({ type }) => type === "SessionParked");
  const parked = events.find((event) => event.type === "SessionParked");
  expect(parked?.data).toMatchObject({ failure: { code: "MODEL_UNAVAILABLE" }, until: null });
  expect(await session.status()).toBe("parked");
  expect((await session.state()).messages.size).toBeGreaterThan(0);
});

test("a model that hangs: the turn's deadline interrupts it, and it is no success", async () => {
  await using host = await open({ turnMs: 1_500 });
  const session = await (await host.start()).open({ id: "s", agent: "coder" });
  const turn = await session.ask(scripted("Work.", ["say I begin", "hang times=always"]));
  expect(turn.outcome).toBe("interrupted");
  const asked = (await eventsOf(session)).find((event) => event.type === "InterruptRequested");
  expect(asked?.data.reason).toBe("turn_deadline");
});

test("a connection that breaks in mid-stream: the turn goes on, and its text is whole", async () => {
  await using host = await open({}, { maxRetries: 2 });
  const session = await (await host.start()).open({ id: "s", agent: "coder" });
  const turn = await session.ask(scripted("Work.", ["say before", "drop", "say and after"]));
  expect(turn).toMatchObject({ outcome: "completed", text: "before\n\nand after" });
});

test("more model calls than allowed: the turn is exhausted, and is not tried again", async () => {
  await using host = await open({}, { maxTurns: 1 });
  const session = await (await host.start()).open({ id: "s", agent: "coder" });
  const turn = await session.ask(
    scripted("Work.", [
      `tool Bash {"command":"true"}`,
      `tool Bash {"command":"true"}`,
      "say never",
    ]),
  );
  expect(turn).toMatchObject({ outcome: "exhausted", error: { code: "MAX_TURNS" } });
  expect(count(await eventsOf(session), "RunRequested")).toBe(1);
});

async function eventsOf(session: SessionHandle): Promise<readonly SessionRecord[]> {
  return until(session, () => false, { idle: true });
}

/** The events up to the first that fits. */
async function until(
  session: SessionHandle,
  fits: (event: SessionRecord) => boolean,
  { idle = false }: { readonly idle?: boolean } = {},
): Promise<readonly SessionRecord[]> {
  const events: SessionRecord[] = [];
  const signal = AbortSignal.timeout(50_000);
  for await (const event of session.events({ signal, ...(idle ? { until: "idle" } : {}) })) {
    events.push(event);
    if (fits(event)) return events;
  }
  if (idle) return events;
  throw new Error(`It did not come: ${events.map(({ type }) => type).join(" ")}`);
}

function answered(event: SessionRecord, text: string): boolean {
  return event.type === "TurnEnded" && event.data.text === text;
}

function count(events: readonly SessionRecord[], type: SessionRecord["type"]): number {
  return events.filter((event) => event.type === type).length;
}
