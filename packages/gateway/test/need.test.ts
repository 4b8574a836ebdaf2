import { expect, test } from "vitest";
import { isUnneeded } from "../src/process/end-when-unused.ts";

const DAY = 86_400_000;
const needed = {
  idleMs: 600_000,
  idleFor: 0,
  silentFor: 0,
  connections: 0,
  runs: 1,
  inFlight: 0,
  reachable: true,
};

test.each([
  ["a run is attached, however silent", { silentFor: DAY - 1 }, false],
  ["no run is attached, not yet for long", { runs: 0, idleFor: 599_999 }, false],
  ["no run has been attached for long", { runs: 0, idleFor: 600_000 }, true],
  ["runs were left behind for a day", { silentFor: DAY }, true],
  ["an orchestrator is there, however silent", { silentFor: DAY, connections: 1 }, false],
  ["nobody can find the process", { reachable: false }, true],
  ["nobody can find it, but an answer is streaming", { reachable: false, inFlight: 1 }, false],
])("%s", (_, change, expected) => {
  expect(isUnneeded({ ...needed, ...change })).toBe(expected);
});
