import { globSync } from "node:fs";
import type { Arbitrary } from "fast-check";
import { takeCollected } from "./stand-in.ts";

/** Something that a mutant may fail in. */
export interface Exam {
  readonly name: string;
  /** Throws or rejects where the product is not as it should be. */
  readonly run: () => Promise<void>;
}

/** Tests that are no exam: slow ones, and those of parts that no mutant is in. */
const others =
  /^(dispatch|every-crash|fakes-contract|memory-|model|queries|readers|run-dispatcher|telemetry|telling|testing-page|tracker-down)/;

const tests = new URL("../../packages/core/test/", import.meta.url);

/** Lives of the model in one exam, and how many exams of them. */
const lives = { each: 20, exams: 5, seed: 20_260_101 } as const;
/** Seeds of the simulation. */
const seeds = 6;

/** Everything that a mutant is tried in. */
export async function allExams(): Promise<readonly Exam[]> {
  return [...(await testExams()), ...(await modelExams()), ...(await simulationExams())];
}

async function testExams(): Promise<readonly Exam[]> {
  const exams: Exam[] = [];
  const files = globSync("*.test.ts", { cwd: tests }).filter((file) => !others.test(file));
  for (const file of files.toSorted()) {
    await import(coreTest(file));
    exams.push(...takeCollected().map(({ name, run }) => ({ name: `${file}: ${name}`, run })));
  }
  return exams;
}

/** A file among the core's tests: no package exports those. */
function coreTest(file: string): string {
  return new URL(file, tests).href;
}

/** A life of the model, as far as an exam has to know. */
interface ModelLife {
  readonly never: readonly string[];
  readonly moves: readonly { readonly move: string }[];
}

interface ModelMoves {
  readonly anyLife: Arbitrary<ModelLife>;
}

interface ModelPlayer {
  readonly Player: new (life: ModelLife) => {
    begin(): void;
    play(move: ModelLife["moves"][number]): void;
    check(): void;
    finish(): void;
  };
}

async function modelExams(): Promise<readonly Exam[]> {
  const { default: fc } = await import("fast-check");
  const moves = (await import(coreTest("model/moves.ts"))) as ModelMoves;
  const { Player } = (await import(coreTest("model/player.ts"))) as ModelPlayer;
  const all = fc.sample(moves.anyLife, { seed: lives.seed, numRuns: lives.each * lives.exams });
  return Array.from({ length: lives.exams }, (_, exam) => ({
    name: `model: lives ${exam * lives.each + 1} to ${(exam + 1) * lives.each}`,
    run: async () => {
      for (const life of all.slice(exam * lives.each, (exam + 1) * lives.each)) {
        const player = new Player(life);
        player.begin();
        for (const move of life.moves) if (!life.never.includes(move.move)) player.play(move);
        player.check();
        player.finish();
        player.check();
      }
    },
  }));
}

async function simulationExams(): Promise<readonly Exam[]> {
  const { simulate } = await import("../simulate.ts");
  return Array.from({ length: seeds }, (_, index) => ({
    name: `simulation: seed ${index + 1}`,
    run: async () => {
      const { problems } = await simulate({ seed: index + 1, runs: 1 }, () => {});
      if (problems.length > 0) throw new Error(problems[0]);
    },
  }));
}
