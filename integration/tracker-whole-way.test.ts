// From the agent to the board over everything that is real in between: log on disk, HTTP, processes.
import { readdir, readFile, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { inspect } from "node:util";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, onTestFinished, test } from "vitest";
import { createOrchestrator, runDispatcher, type Orchestrator } from "@waybill/core";
import { chat, fakeWorld, operation, reply } from "@waybill/core/testing";
import { fsMailbox } from "@waybill/ipc-fs";
import { sqliteStore } from "@waybill/store-sqlite";
import { httpTracker } from "@waybill/tracker-client";
import { referenceTracker, type Fault } from "@waybill/tracker-client/testing";
import { eventOf, openTestHost, rawAgent, script } from "./host.ts";

const ask = (content: string): object => ({ ask: { type: "chat.send", chat: "7", content } });

test("a board that is gone for an hour: nothing is lost, memory stays flat, and it drains steadily", async () => {
  const folder = await temporaryFolder();
  const file = join(folder, "board.ndjson");
  const terms = { file, token: "tok", seed: { chats: [{ id: "general" }] } };
  const first = await referenceTracker(terms);
  const { url } = first;
  const agents = Array.from({ length: 20 }, (_, index) => `agent-${index}`);
  const lines = [1, 2, 3];
  const steps = [...lines.map((line) => operation(chat("general", `line ${line}`))), reply("done")];
  let calls = 0;
  let inFlight = 0;
  let most = 0;
  const world = fakeWorld(Object.fromEntries(agents.map((agent) => [agent, steps])), {
    store: sqliteStore({ path: join(folder, "waybill.db") }),
    tracker: () => {
      const { perform, ...rest } = httpTracker({ url, token: "tok" });
      const counted = async (call: Parameters<typeof perform>[0]) => {
        calls += 1;
        inFlight += 1;
        most = Math.max(most, inFlight);
        try {
          return await perform(call);
        } finally {
          inFlight -= 1;
        }
      };
      return { ...rest, perform: counted };
    },
    policy: { stallMs: 1e9, turnMs: null },
  });
  await using orchestrator = await createOrchestrator(world.ports());
  await first.close();
  for (const agent of agents) {
    const session = await orchestrator.open({ id: agent, agent, scope: { chats: ["general"] } });
    await session.send("go");
  }
  // Real refusals take real time, which the clock gives them every ten of its seconds.
  const pass = async (seconds: number): Promise<void> => {
    for (let left = seconds; left > 0; left -= 10) {
      await world.advance({ seconds: Math.min(left, 10) });
      await wait(2);
    }
  };
  await pass(5 * 60);
  const early = await footprint(orchestrator, agents);
  await pass(55 * 60);
  const late = await footprint(orchestrator, agents);
  expect(late.open).toBe(early.open);
  expect(late.heapMb - early.heapMb).toBeLessThan(8);
  const triedWhileAway = calls;

  const board = await referenceTracker({ ...terms, port: Number(new URL(url).port) });
  onTestFinished(() => board.close());
  most = 0;
  let seconds = 0;
  for (; board.records.messages.length < 60 && seconds < 600; seconds += 1) {
    await world.advance({ seconds: 1 });
    await wait(5);
  }
  const said = board.records.messages.map(({ sender_name: who, content }) => `${who} ${content}`);
  expect(said.toSorted()).toEqual(
    agents.flatMap((agent) => lines.map((line) => `${agent} line ${line}`)).toSorted(),
  );
  for (const agent of agents) {
    expect(said.filter((one) => one.startsWith(`${agent} `))).toEqual(
      lines.map((line) => `${agent} line ${line}`),
    );
    await eventOf(orchestrator, agent, "TurnEnded");
    expect(world.host.brain(agent).answers.map(({ status }) => status)).toEqual(
      lines.map(() => "delivered"),
    );
  }
  // One at a time for each chat of each session, however much waits. How many in a second is
  // bounded too; that is tested where no real time comes in, beside the core.
  expect(most).toBeLessThanOrEqual(agents.length);
  console.log("An hour away:", {
    triedWhileAway,
    early,
    late,
    drainedInSeconds: seconds,
    mostAtOnce: most,
  });
});

test("what the board refuses for good (422) never blocks what comes after it", async () => {
  await using host = await openTestHost({ transport: rawAgent() });
  host.tracker.faults.add({ do: "status", status: 422, method: "POST" });
  const orchestrator = await host.start();
  const session = await orchestrator.open({ id: "s", agent: "coder", scope: { chats: ["7"] } });
  await session.ask(script([ask("poison"), ask("after it"), ask("and more")]));
  expect(host.tracker.records.messages.map(({ content }) => content)).toEqual([
    "after it",
    "and more",
  ]);
  const rejected = await eventOf(orchestrator, "s", "OperationRejected");
  expect(rejected.data).toMatchObject({ by: "tracker", code: "TRACKER_REFUSED" });
});

test("the token is in nothing that is written: no file, log, event, error, argument or environment", async () => {
  const secret = "tok-8c41d6-never-to-be-seen";
  const folder = await temporaryFolder();
  const written: unknown[] = [];
  const note = (...line: unknown[]): void => void written.push(line);
  const logger = { debug: note, info: note, warn: note, error: note };
  await using board = await referenceTracker({ token: secret, seed: { chats: [{ id: "7" }] } });
  const store = sqliteStore({ path: join(folder, "waybill.db"), logger });
  const tracker = httpTracker({ url: board.url, token: secret, logger });
  const orchestrator = await createOrchestrator({
    store,
    mailbox: fsMailbox({ root: join(folder, "mail"), logger }),
    tracker,
    agents: { coder: { name: "Coder", transport: rawAgent(), policy: { retryMs: 10 } } },
    logger,
  });
  onTestFinished(() => orchestrator[Symbol.asyncDispose]());
  orchestrator.onAny(note);
  const stopping = new AbortController();
  const dispatching = runDispatcher({
    orchestrator,
    store,
    tracker,
    rules: {
      agents: {
        coder: { name: "Coder", scope: { chats: ["7"] }, chatPrompt: "{{message.content}}" },
      },
    },
    signal: stopping.signal,
    logger,
  });
  // A board that repeats what it got, token and all.
  const body = JSON.stringify({ error: { code: secret, message: `Bearer ${secret} is no good` } });
  const headers = { location: `http://elsewhere/${secret}` };
  const post = { method: "POST", route: "/api/v1/chats/:chat/messages" };
  const faults: Fault[] = [
    ...[503, 429, 500].map((status) => ({ do: "status", status, body, headers, ...post }) as const),
    { do: "drop", when: "after", ...post },
    { do: "status", status: 422, body, headers, ...post },
    { do: "status", status: 500, body, route: "/api/v1/events" },
  ];
  board.say("7", "@coder");
  const direct = await orchestrator.open({ id: "s", agent: "coder", scope: { chats: ["7"] } });
  const lines = Array.from({ length: 10 }, (_, index) => `told ${index}`);
  const turn = direct.ask(script(lines.flatMap((line) => [ask(line), { wait: 200 }])));
  for (const fault of faults) {
    board.faults.add(fault);
    if (fault.route === "/api/v1/events") board.cutFollowers();
    await expect.poll(() => board.faults.list().length, { timeout: 20_000, interval: 5 }).toBe(0);
  }
  const processes = await processesOf();
  await turn;
  await eventOf(orchestrator, "chat-7.coder", "TurnEnded");
  stopping.abort();
  await dispatching;
  const events = (await Array.fromAsync(store.readAll())).flat();
  await orchestrator.shutdown();

  const files = await filesIn(folder);
  const codes = new Set(events.flatMap(({ data }) => JSON.stringify(data).match(/TRACKER_\w+/g)));
  console.log("Searched for the token:", {
    files: files.length,
    bytes: files.reduce((sum, { text }) => sum + text.length, 0),
    lines: written.length,
    events: events.length,
    processes: processes.length,
  });
  // Nothing of this is worth anything where nothing was written.
  expect([...codes]).toContain("TRACKER_UNAVAILABLE");
  expect([...codes]).toContain("TRACKER_REFUSED");
  expect(files.map(({ name }) => name)).toContain("waybill.db");
  expect(files.some(({ text }) => text.includes("told 1"))).toBe(true);
  expect(
    processes.some(
      ({ text }) => text.includes("WAYBILL_SESSION") || text.includes("WAYBILL_INBOX"),
    ),
  ).toBe(true);
  expect(written.length).toBeGreaterThan(20);
  for (const { name, text } of [...files, ...processes]) {
    expect(text.includes(secret), name).toBe(false);
  }
  expect(inspect([written, events], { depth: Infinity, maxArrayLength: null })).not.toContain(
    secret,
  );
});

/** What the sessions have in hand, and how much memory is in use once it was cleared up. */
async function footprint(
  orchestrator: Orchestrator,
  ids: readonly string[],
): Promise<{ readonly open: number; readonly heapMb: number }> {
  const states = await Promise.all(ids.map((id) => orchestrator.session(id).state()));
  const open = states.reduce((sum, { messages, outbox }) => sum + messages.size + outbox.size, 0);
  setFlagsFromString("--expose-gc");
  runInNewContext("gc")();
  return { open, heapMb: Math.round(process.memoryUsage().heapUsed / 1e5) / 10 };
}

async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "waybill-tracker-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Every file below the folder, as bytes in a text. */
async function filesIn(
  folder: string,
): Promise<{ readonly name: string; readonly text: string }[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return Promise.all(
    entries
      .filter((entry) => entry.isFile())
      .map(async ({ name, parentPath }) => ({
        name,
        text: await readFile(join(parentPath, name), "latin1"),
      })),
  );
}

/** Arguments and environment of every process that may be looked at, but for this one. */
async function processesOf(): Promise<{ readonly name: string; readonly text: string }[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const found = pids.flatMap((pid) =>
    ["cmdline", "environ"].map(async (name) => ({
      name: `${pid}/${name}`,
      // A process may end meanwhile, or be another user's.
      text: await readFile(`/proc/${pid}/${name}`, "latin1").catch(() => ""),
    })),
  );
  return Promise.all(found);
}
