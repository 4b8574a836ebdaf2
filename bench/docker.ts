import { benchLine } from "./bench-line.ts";
import type { BenchLine, Round, Target } from "./bench-line.ts";
import { footprint } from "./docker/footprint.ts";
import { dockerBench, shortProgram } from "./docker/ground.ts";
import type { Started } from "./docker/ground.ts";
import { ingestRound } from "./docker/ingest.ts";
import { wordDelays } from "./docker/word-delay.ts";

/**
 * How fast a contained run starts, is heard and is known to have ended, against the engine's own
 * command line in the same rounds: raw with equal flags, as the old runner did it, and ours while
 * another session is watched, as in an orchestrator at work.
 */
export async function benchDocker(): Promise<BenchLine[]> {
  await using ground = await dockerBench();
  const lone = ground.transport(shortProgram);
  const busy = ground.transport(shortProgram);
  const sleeper = await ground.plan();
  const watching = new AbortController();
  await ground.transport(["sleep", "3600"]).start(sleeper);
  const watch = drain(busy.watch(sleeper, watching.signal));

  const ways = {
    raw: ground.startRaw,
    busy: () => ground.start(busy),
    old: ground.startOld,
    lone: () => ground.start(lone),
  };
  const rounds: Record<keyof typeof ways, Started>[] = [];
  for (let round = -2; round < ROUNDS; round += 1) {
    const found = { raw: nothing, busy: nothing, old: nothing, lone: nothing };
    // Each begins in turn: what one leaves the engine to clean up is in the next one's way.
    for (let step = 0; step < 4; step += 1) {
      const way = order[(step + round + 4) % 4] ?? "raw";
      found[way] = await ways[way]();
    }
    // The first rounds fill caches and are not counted.
    if (round >= 0) rounds.push(found);
  }
  watching.abort();
  await watch;

  const against = (
    value: "busy" | "lone",
    baseline: "raw" | "old",
    figure: keyof Started,
  ): Round[] =>
    rounds.map((round) => ({ value: round[value][figure], baseline: round[baseline][figure] }));
  const ingest: Round[] = [];
  for (let round = 0; round < 5; round += 1) ingest.push(await ingestRound(ground));
  const { p50, p99 } = await wordDelays(ground);
  const { processes, memoryMb } = await footprint(ground);
  const alone = (value: number): Round[] => [{ value, baseline: null }];
  return [
    line("first byte, against raw with equal flags", "ms", against("busy", "raw", "firstByteMs"), {
      atMostTimes: 1.1,
    }),
    line("first byte, against the old runner", "ms", against("busy", "old", "firstByteMs"), {
      atMostTimes: 1,
    }),
    line("first byte while no run is watched", "ms", against("lone", "raw", "firstByteMs"), null),
    line("end known, against raw", "ms", against("busy", "raw", "endKnownMs"), {
      atMostTimes: 1.05,
    }),
    line("word written to word handed over, p50", "ms", alone(p50), { atMost: 1 }),
    line("word written to word handed over, p99", "ms", alone(p99), null),
    line("words of 50 KB, against a bare read", "MB/s", ingest, {
      atLeastTimes: 0.5,
      orAtLeast: 300,
    }),
    line("processes of the host a session", "", alone(processes), { atMost: 0 }),
    line("memory of the host a session", "MB", alone(memoryMb), { atMost: 0.1 }),
  ];
}

const ROUNDS = 12;
const order = ["raw", "busy", "old", "lone"] as const;
const nothing: Started = { firstByteMs: Number.NaN, endKnownMs: Number.NaN };

async function drain(items: AsyncIterable<unknown>): Promise<void> {
  for await (const _ of items);
}

function line(metric: string, unit: string, rounds: readonly Round[], target: Target): BenchLine {
  return benchLine({ bench: "docker", metric, unit, rounds, target });
}
