// A process that tries mutants, one after the other, as its parent says over IPC. A mutant may keep it
// busy for ever: then the parent ends it.
import { allExams, type Exam } from "./exams.ts";
import { switchboard } from "./switchboard.ts";

/** How long an exam may wait for something that does not happen, in milliseconds. */
const patienceMs = 4_000;

const board = switchboard(Number(process.env["WAYBILL_MUTANT"] ?? "-1"));
// What an earlier mutant left behind goes wrong later, and concerns no one.
process.on("unhandledRejection", () => {});
process.on("uncaughtException", () => {});
const silent = (): void => {};
Object.assign(console, { log: silent, error: silent, warn: silent });

/** What the parent asks for. */
export type Question =
  | { readonly ask: "survey" }
  /** Try a mutant in these exams, in this order. */
  | { readonly ask: "try"; readonly mutant: number; readonly exams: readonly number[] };

/** What it is told. */
export type Told =
  | { readonly tell: "ready" }
  | { readonly tell: "failed to load"; readonly why: string }
  /** An exam without any mutant: how long it took, which mutants it asks for, and whether it was passed. */
  | {
      readonly tell: "exam";
      readonly name: string;
      readonly ms: number;
      readonly asks: readonly number[];
      readonly problem: string | null;
    }
  | { readonly tell: "surveyed" }
  /** It is still busy, and not for ever. */
  | { readonly tell: "alive" }
  | { readonly tell: "tried"; readonly mutant: number; readonly killedBy: string | null };

let exams: readonly Exam[] = [];
try {
  exams = await allExams();
  tell({ tell: "ready" });
} catch (error) {
  tell({ tell: "failed to load", why: String(error) });
}

process.on("message", (question: Question) => {
  void (question.ask === "survey" ? survey() : tryMutant(question.mutant, question.exams));
});
process.on("disconnect", () => process.exit(0));

async function survey(): Promise<void> {
  for (const exam of exams) {
    const stop = board.watch();
    const begun = performance.now();
    const problem = await problemIn(exam);
    tell({ tell: "exam", name: exam.name, ms: performance.now() - begun, asks: stop(), problem });
  }
  tell({ tell: "surveyed" });
}

async function tryMutant(mutant: number, places: readonly number[]): Promise<void> {
  board.use(mutant);
  let killedBy: string | null = null;
  for (const place of places) {
    const exam = exams[place];
    tell({ tell: "alive" });
    if (exam === undefined || (await problemIn(exam)) === null) continue;
    killedBy = exam.name;
    break;
  }
  board.use(-1);
  tell({ tell: "tried", mutant, killedBy });
}

async function problemIn(exam: Exam): Promise<string | null> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(() => resolve("it takes too long"), patienceMs);
  });
  const ended = exam.run().then(
    () => null,
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
  const problem = await Promise.race([ended, late]);
  clearTimeout(timer);
  return problem;
}

function tell(told: Told): void {
  process.send?.(told);
}
