import { createOrchestrator, memoryStore } from "@waybill/core";
import { benchLine, type BenchLine, type Round } from "../bench-line.ts";
import { instantAgent } from "./instant-agent.ts";

const messages = 20_000;
const ROUNDS = 3;

/** A session that goes on and on: its last thousand messages cost what the first did. */
export async function benchOneSession(): Promise<readonly BenchLine[]> {
  const rounds: Round[] = [];
  for (let round = 0; round < ROUNDS; round += 1) rounds.push(await longTalk());
  return [
    benchLine({
      bench: "core",
      metric: "a message of 20,000 in one session, the slowest thousand against the first",
      unit: "us",
      rounds,
      target: { atMostTimes: 1.5 },
    }),
  ];
}

/** Microseconds a message: the slowest thousand, and the first. */
async function longTalk(): Promise<Round> {
  const { transport, mailbox } = instantAgent();
  const orchestrator = await createOrchestrator({
    store: memoryStore(),
    mailbox,
    agents: { coder: { name: "Кодер", transport } },
  });
  const session = await orchestrator.open({ id: "s", agent: "coder" });
  for (let message = 0; message < 500; message += 1) await session.ask("Begin."); // warms up
  const thousands: number[] = [];
  for (let thousand = 0; thousand < messages / 1_000; thousand += 1) {
    const begun = performance.now();
    for (let message = 0; message < 1_000; message += 1) await session.ask("Go on.");
    thousands.push(performance.now() - begun);
  }
  await orchestrator.shutdown();
  return { value: Math.max(...thousands.slice(1)), baseline: thousands[0] ?? Number.NaN };
}
