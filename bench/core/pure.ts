import { foldEvents, step, unopened } from "@waybill/core";
import { benchLine, median, type BenchLine, type Round } from "../bench-line.ts";
import { typicalLife, type Given } from "./typical-life.ts";

const ROUNDS = 9;

/** How fast the pure core is by itself: folding a log, and deciding a command. */
export function benchPure(): readonly BenchLine[] {
  const given: Given[] = [];
  const log = typicalLife(3_000, { given: (each) => given.push(each) });
  foldEvents(unopened("s"), log);
  const folds: Round[] = [];
  const decisions: Round[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    folds.push({ value: foldsPerSecond(log), baseline: null });
    decisions.push({ value: medianDecision(given), baseline: null });
  }
  return [
    benchLine({
      bench: "core",
      metric: "fold of a long session",
      unit: "events/s",
      rounds: folds,
      target: { atLeast: 1_000_000 },
    }),
    benchLine({
      bench: "core",
      metric: "a decision with its events, p50",
      unit: "us",
      rounds: decisions,
      target: { atMost: 5 },
    }),
  ];
}

function foldsPerSecond(
  log: Parameters<typeof foldEvents>[1] & { readonly length: number },
): number {
  const begun = performance.now();
  let events = 0;
  while (performance.now() < begun + 300) {
    foldEvents(unopened("s"), log);
    events += log.length;
  }
  return (events / (performance.now() - begun)) * 1_000;
}

/** Each command of the life by itself, on the state that it met. */
function medianDecision(given: readonly Given[]): number {
  const times = given.map(({ command, state }) => {
    const begun = process.hrtime.bigint();
    step(command, state);
    return Number(process.hrtime.bigint() - begun) / 1_000;
  });
  return median(times);
}
