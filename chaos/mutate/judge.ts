import { fork, type ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Question, Told } from "./judge-main.ts";

/** How long a judge may say nothing before it is taken to be caught in a loop, in milliseconds. */
const silenceMs = 30_000;

/** How long one may take to load without a mutant: it is caught in nothing, and the machine is busy. */
const loadingMs = 300_000;

/** What an exam came to without any mutant. */
export type SurveyedExam = Extract<Told, { readonly tell: "exam" }>;

/** Somebody who tries mutants, in a process of its own that is started again where one hangs it. */
export class Judge {
  #child: ChildProcess | null = null;

  /** Runs every exam once, without a mutant. */
  async survey(): Promise<readonly SurveyedExam[]> {
    const exams: SurveyedExam[] = [];
    const end = await this.#ask({ ask: "survey" }, (told) => {
      if (told.tell === "exam") exams.push(told);
      return told.tell === "surveyed";
    });
    if (end === null) throw new Error("The exams do not come to an end without any mutant.");
    return exams;
  }

  /** Which exam the mutant fails; null where it passes all of them. */
  async try(mutant: number, exams: readonly number[]): Promise<string | null> {
    const told = await this.#ask({ ask: "try", mutant, exams }, ({ tell }) => tell === "tried");
    if (told === null) return "it is caught in a loop";
    return told.tell === "tried" ? told.killedBy : null;
  }

  /** The same for one that is in force only while its file is loaded. */
  async tryOnLoading(mutant: number, exams: readonly number[]): Promise<string | null> {
    const own = new Judge();
    try {
      const failure = await own.#start(mutant);
      return failure ?? (await own.try(mutant, exams));
    } finally {
      own.end();
    }
  }

  /** Ends its process. */
  end(): void {
    this.#child?.kill("SIGKILL");
    this.#child = null;
  }

  /** Resolves with the last word of the answer; with null where none comes. */
  async #ask(question: Question, isLast: (told: Told) => boolean): Promise<Told | null> {
    if (this.#child === null) {
      const failure = await this.#start(-1);
      if (failure !== null) throw new Error(failure);
    }
    this.#child?.send(question);
    return this.#hear(isLast);
  }

  async #start(mutant: number): Promise<string | null> {
    this.#child = fork(path("judge-main.ts"), [], {
      execArgv: [
        "--conditions=@waybill/source",
        "--import",
        new URL("hook.ts", import.meta.url).href,
      ],
      env: { ...process.env, WAYBILL_MUTANT: String(mutant) },
      stdio: ["ignore", "ignore", "inherit", "ipc"],
      serialization: "advanced",
    });
    const told = await this.#hear(
      ({ tell }) => tell === "ready" || tell === "failed to load",
      mutant === -1 ? loadingMs : silenceMs,
    );
    if (told?.tell === "ready") return null;
    return told?.tell === "failed to load" ? told.why : "it is caught in a loop while it loads";
  }

  async #hear(isLast: (told: Told) => boolean, patienceMs = silenceMs): Promise<Told | null> {
    const child = this.#child;
    if (child === null) return null;
    const { promise, resolve } = Promise.withResolvers<Told | null>();
    const giveUp = (): void => resolve(null);
    let timer = setTimeout(giveUp, patienceMs);
    const listen = (message: unknown): void => {
      const told = message as Told;
      clearTimeout(timer);
      timer = setTimeout(giveUp, patienceMs);
      if (isLast(told)) resolve(told);
    };
    child.on("message", listen);
    child.on("exit", giveUp);
    const told = await promise;
    clearTimeout(timer);
    child.off("message", listen);
    child.off("exit", giveUp);
    if (told === null) this.end();
    return told;
  }
}

function path(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url));
}
