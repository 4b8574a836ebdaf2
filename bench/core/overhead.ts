import { join } from "node:path";
import {
  createOrchestrator,
  memoryStore,
  type EventStore,
  type NewEvent,
  type SessionHandle,
} from "@waybill/core";
import { sqliteStore } from "@waybill/store-sqlite";
import { benchLine, median, type BenchLine, type Round } from "../bench-line.ts";
import { workFolder } from "../work-folder.ts";
import { countingStore, type Made } from "./counting-store.ts";
import { instantAgent } from "./instant-agent.ts";

const ROUNDS = 5;
const sessions = 32;

/** What the orchestrator costs above its store: its own work with agents that answer at once, and a command alone. */
export async function benchOverhead(): Promise<readonly BenchLine[]> {
  const memory: Round[] = [];
  const durable: Round[] = [];
  for (let round = 0; round <= ROUNDS; round += 1) {
    const perEvent = await talk(100);
    const commands = await commandsBesideAppends(300);
    if (round === 0) continue; // the first warms up
    memory.push({ value: perEvent, baseline: null });
    durable.push(commands);
  }
  return [
    benchLine({
      bench: "core",
      metric: "an event through the orchestrator, above what a memory store takes",
      unit: "us",
      rounds: memory,
      target: { atMost: 20 },
    }),
    benchLine({
      bench: "core",
      metric: "a command through the orchestrator, SQLite, against a durable append, p50",
      unit: "us",
      rounds: durable,
      target: { atMostTimes: 1.2 },
    }),
  ];
}

/** Many sessions, each asked one thing after the other; microseconds an event above the store's own. */
async function talk(messages: number): Promise<number> {
  const { store, made } = countingStore(memoryStore());
  const { transport, mailbox } = instantAgent();
  const orchestrator = await createOrchestrator({
    store,
    mailbox,
    agents: { coder: { name: "Кодер", transport } },
  });
  const handles = await Promise.all(
    Array.from({ length: sessions }, async (_, index) => {
      const session = await orchestrator.open({ id: `s-${index}`, agent: "coder" });
      await session.ask("Begin.");
      return session;
    }),
  );
  const before = made.length;
  const begun = performance.now();
  await Promise.all(handles.map((session) => askAll(session, messages)));
  const tookMs = performance.now() - begun;
  const during = made.slice(before);
  await orchestrator.shutdown();
  return (tookMs * 1_000) / eventsIn(during) - (await appendAlone(memoryStore(), during));
}

async function askAll(session: SessionHandle, messages: number): Promise<void> {
  for (let message = 0; message < messages; message += 1) await session.ask("Go on.");
}

/** The same events in the same appends, and nothing else; microseconds an event. */
async function appendAlone(store: EventStore, made: readonly Made[]): Promise<number> {
  await store.open();
  const begun = performance.now();
  for (const { stream, events } of made) await store.append(stream, "any", events);
  const tookMs = performance.now() - begun;
  await store.close();
  return (tookMs * 1_000) / eventsIn(made);
}

function eventsIn(made: readonly Made[]): number {
  return made.reduce((sum, { events }) => sum + events.length, 0);
}

/** A command that gives one event, and an append of the same event by itself, in turns; microseconds. */
async function commandsBesideAppends(times: number): Promise<Round> {
  await using folder = await workFolder();
  const alone = sqliteStore({ path: join(folder.path, "alone.db") });
  const { transport, mailbox } = instantAgent();
  const orchestrator = await createOrchestrator({
    store: sqliteStore({ path: join(folder.path, "commands.db") }),
    mailbox,
    agents: { coder: { name: "Кодер", transport } },
  });
  await alone.open();
  const session = await orchestrator.open({ id: "s", agent: "coder" });
  const commands: number[] = [];
  const appends: number[] = [];
  for (let time = 1; time <= times; time += 1) {
    const begun = performance.now();
    await session.raiseBudget(time);
    const between = performance.now();
    await alone.append("s", time - 1, [budgetRaised(time)]);
    commands.push(between - begun);
    appends.push(performance.now() - between);
  }
  await orchestrator[Symbol.asyncDispose]();
  await alone.close();
  return { value: median(commands) * 1_000, baseline: median(appends) * 1_000 };
}

function budgetRaised(capUsd: number): NewEvent {
  return {
    id: crypto.randomUUID(),
    type: "BudgetRaised",
    data: { capUsd },
    schema: 1,
    recordedAt: Date.now(),
    causation: "RaiseBudget",
    mustUnderstand: true,
  };
}
