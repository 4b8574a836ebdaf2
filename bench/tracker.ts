import { join } from "node:path";
import { createOrchestrator } from "@waybill/core";
import type { Orchestrator } from "@waybill/core";
import { fsMailbox } from "@waybill/ipc-fs";
import { sqliteStore } from "@waybill/store-sqlite";
import { httpTracker } from "@waybill/tracker-client";
import { benchLine, median } from "./bench-line.ts";
import type { BenchLine, Round, Target } from "./bench-line.ts";
import { agentsTransport } from "./tracker/agents-transport.ts";
import { boardProcess } from "./tracker/board-process.ts";
import type { BoardProcess } from "./tracker/board-process.ts";
import { workFolder } from "./work-folder.ts";

const ROUNDS = 5;
const sessions = 50;
const perSession = 20;

/**
 * The way of an operation from the agent's file to the board, durable on the way: mailbox, store
 * (every step synced), client, and back. The baseline is bare fetch at the same board, which keeps
 * nothing. The agents and the board are processes of their own.
 */
export async function benchTracker(): Promise<BenchLine[]> {
  await using folder = await workFolder();
  await using board = await boardProcess(join(folder.path, "board.ndjson"));
  await using orchestrator = await createOrchestrator({
    store: sqliteStore({ path: join(folder.path, "waybill.db") }),
    mailbox: fsMailbox({ root: join(folder.path, "ipc") }),
    tracker: httpTracker({ url: board.url, token: board.token }),
    agents: { bench: { name: "Bench", transport: agentsTransport() } },
  });
  const agents = await agentsOf(orchestrator);
  await work(agents, 2);
  const one: Pace[] = [];
  const many: Pace[] = [];
  const oneBare: Pace[] = [];
  const manyBare: Pace[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    oneBare.push(await measured(board, () => fetchAll(board, 1, 100)));
    one.push(await measured(board, () => work(agents.slice(0, 1), 100)));
    manyBare.push(await measured(board, () => fetchAll(board, sessions, perSession)));
    many.push(await measured(board, () => work(agents, perSession)));
  }
  return [
    line("agent's file to Tracker, 1 session, p50", "ms", pair(one, oneBare, "p50Ms"), {
      atMost: 5,
    }),
    line(
      `agent's file to Tracker, ${sessions} sessions, p50`,
      "ms",
      pair(many, manyBare, "p50Ms"),
      null,
    ),
    line(
      `operations, ${sessions} sessions`,
      "operations/s",
      pair(many, manyBare, "perSecond"),
      null,
    ),
    line(
      `CPU of the host, ${sessions} sessions`,
      "ms/operation",
      pair(many, manyBare, "cpuMs"),
      null,
    ),
  ];
}

/** What a while of work gave. */
interface Pace {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly cpuMs: number;
}

/** Sends so many messages. */
type Agent = (count: number) => Promise<void>;

function line(metric: string, unit: string, rounds: readonly Round[], target: Target): BenchLine {
  return benchLine({ bench: "tracker", metric, unit, rounds, target });
}

function pair(
  values: readonly Pace[],
  bare: readonly Pace[],
  figure: keyof Pace,
): readonly Round[] {
  return values.map((pace, round) => ({
    value: pace[figure],
    baseline: bare[round]?.[figure] ?? null,
  }));
}

async function agentsOf(orchestrator: Orchestrator): Promise<readonly Agent[]> {
  const names = Array.from({ length: sessions }, (_, index) => `bench-${index}`);
  return Promise.all(
    names.map(async (id) => {
      const session = await orchestrator.open({ id, agent: "bench", scope: { chats: "any" } });
      return async (count: number): Promise<void> => {
        const { outcome } = await session.ask(String(count));
        if (outcome !== "completed") throw new Error(`${id}: the turn was ${outcome}.`);
      };
    }),
  );
}

async function work(agents: readonly Agent[], count: number): Promise<void> {
  await Promise.all(agents.map((agent) => agent(count)));
}

/** The baseline: each lane sends one message after the other, and keeps nothing. */
async function fetchAll(board: BoardProcess, lanes: number, count: number): Promise<void> {
  const lane = async (): Promise<void> => {
    for (let left = count; left > 0; left -= 1) {
      const response = await fetch(`${board.url}/api/v1/chats/general/messages`, {
        method: "POST",
        headers: { authorization: `Bearer ${board.token}`, "idempotency-key": crypto.randomUUID() },
        body: JSON.stringify({
          sender_type: "agent",
          sender_name: "Bench",
          content: String(performance.timeOrigin + performance.now()),
        }),
      });
      await response.json();
      if (response.status !== 201) throw new Error(`The board answered ${response.status}.`);
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}

/** Each message says when it was asked for, and the board when it came: to the millisecond. */
async function measured(board: BoardProcess, doIt: () => Promise<void>): Promise<Pace> {
  const before = (await board.messages()).length;
  const cpu = process.cpuUsage();
  const begun = performance.now();
  await doIt();
  const tookMs = performance.now() - begun;
  const { user, system } = process.cpuUsage(cpu);
  const fresh = (await board.messages()).slice(before);
  const times = fresh.map(({ content, created_at: at }) =>
    // The board cuts its times off; half a millisecond is the middle of what that can be.
    Math.max(Date.parse(at) + 0.5 - Number(content), 0),
  );
  return {
    perSecond: (fresh.length / tookMs) * 1000,
    p50Ms: median(times),
    cpuMs: (user + system) / 1000 / fresh.length,
  };
}
