// `pnpm mutate`: changes every operator, literal, condition and statement of the pure core, one at a
// time, and counts the changes that no test notices. Exits non-zero where too many are not.
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { count } from "./count.ts";
import { Judge, type SurveyedExam } from "./mutate/judge.ts";
import type { Mutant } from "./mutate/mutants.ts";
import { mutatedProduct, partOf } from "./mutate/product.ts";

const usage = `pnpm mutate [--only TEXT] [--judges 2] [--threshold 85] [--json] [--save]

Builds each mutant of packages/core/src/session into the product while it is loaded, and tries it in the
tests of the pure core, lives of the model and simulated stories, until one of them notices. Takes some
fifteen minutes of two processors. Prints the survivors, those without a written reason first.

  --only TEXT      only mutants whose name holds the text: a file, a function
  --judges N       how many processes try mutants
  --threshold N    how many per cent have to be killed, of each of decide, evolve and pending
  --save           writes what was found to chaos/results/mutants.json
  --json           the summary as JSON`;

const reasonsFile = new URL("mutate/survivors.json", import.meta.url);
const resultsFile = new URL("results/mutants.json", import.meta.url);

const { values } = parseArgs({
  options: {
    only: { type: "string", default: "" },
    judges: { type: "string", default: "2" },
    threshold: { type: "string", default: "85" },
    save: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});
if (values.help) console.log(usage);
else process.exitCode = await main();

/** A mutant that no exam noticed. */
interface Survivor {
  readonly name: string;
  readonly line: number;
  /** Why nobody needs to notice; null where nobody has written why. */
  readonly reason: string | null;
}

async function main(): Promise<number> {
  const startedAt = performance.now();
  const mutants = mutatedProduct().mutants.filter(({ name }) => name.includes(values.only));
  const reasons = JSON.parse(await readFile(reasonsFile, "utf8")) as Record<string, string>;
  const judges = Array.from({ length: count("judges", values.judges) }, () => new Judge());
  const survivors: Survivor[] = [];
  const killers = new Map<string, number>();
  try {
    const exams = await surveyed(judges[0] ?? new Judge());
    const waiting = [...mutants];
    const work = async (judge: Judge): Promise<void> => {
      for (let mutant = waiting.pop(); mutant !== undefined; mutant = waiting.pop()) {
        const killer = await tried(judge, mutant, exams);
        if (killer === null) {
          const { name, line } = mutant;
          survivors.push({ name, line, reason: reasons[name] ?? null });
          if (reasons[name] === undefined) console.error(`survived  ${name} (line ${line})`);
        } else killers.set(killer, (killers.get(killer) ?? 0) + 1);
        if (waiting.length % 100 === 0) console.error(`${waiting.length} to go`);
      }
    };
    await Promise.all(judges.map(work));
  } finally {
    for (const judge of judges) judge.end();
  }
  survivors.sort((one, other) => one.name.localeCompare(other.name));
  const parts = Object.fromEntries(
    (["decide", "evolve", "pending"] as const).map((part) => [
      part,
      score(part, mutants, survivors),
    ]),
  );
  const summary = {
    mutants: mutants.length,
    killed: mutants.length - survivors.length,
    parts,
    withoutReason: survivors.filter(({ reason }) => reason === null).length,
    seconds: Math.round((performance.now() - startedAt) / 1_000),
  };
  if (values.save) {
    await mkdir(new URL("./", resultsFile), { recursive: true });
    await writeFile(resultsFile, `${JSON.stringify({ ...summary, survivors }, null, 2)}\n`);
  }
  console.log(values.json ? JSON.stringify(summary) : summary);
  const threshold = count("threshold", values.threshold);
  return Object.values(parts).every(({ percent }) => percent >= threshold) ? 0 : 1;
}

/** The exams, all of them passed by the product as it is. */
async function surveyed(judge: Judge): Promise<readonly SurveyedExam[]> {
  const exams = await judge.survey();
  for (const { name, problem } of exams) {
    if (problem !== null) throw new Error(`Without any mutant, "${name}" fails: ${problem}`);
  }
  const ms = exams.reduce((sum, exam) => sum + exam.ms, 0);
  console.error(`${exams.length} exams are passed without a mutant, in ${Math.round(ms)} ms`);
  return exams;
}

/** Tries the mutant in the exams that ask for it, the quick ones first. */
async function tried(
  judge: Judge,
  mutant: Mutant,
  exams: readonly SurveyedExam[],
): Promise<string | null> {
  const { id, onLoading } = mutant;
  const places = exams
    .map(({ asks, ms }, place) => ({ place, ms, isAsked: onLoading || asks.includes(id) }))
    .filter(({ isAsked }) => isAsked)
    .toSorted((one, other) => one.ms - other.ms)
    .map(({ place }) => place);
  if (places.length === 0) return null;
  return onLoading ? judge.tryOnLoading(id, places) : judge.try(id, places);
}

function score(
  part: string,
  mutants: readonly Mutant[],
  survivors: readonly Survivor[],
): { readonly mutants: number; readonly killed: number; readonly percent: number } {
  const names = new Set(survivors.map(({ name }) => name));
  const own = mutants.filter(({ file }) => partOf(file) === part);
  const killed = own.filter(({ name }) => !names.has(name)).length;
  const percent = own.length === 0 ? 100 : Math.floor((killed / own.length) * 1_000) / 10;
  return { mutants: own.length, killed, percent };
}
