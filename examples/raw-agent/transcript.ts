import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { readTask, type Task } from "./task.ts";

type Entry =
  | { readonly type: "message"; readonly id: string; readonly text: string }
  /** A step of the present work is done. */
  | { readonly type: "step" }
  | { readonly type: "reply"; readonly text: string };

/** What the agent remembers: a file of JSON lines in its state folder, written before it acts. */
export class Transcript {
  readonly #path: string;
  readonly #entries: Entry[];

  constructor(path: string) {
    this.#path = path;
    this.#entries = existsSync(path) ? readEntries(path) : [];
  }

  /** Whether there is anything in it. */
  get begun(): boolean {
    return this.#entries.length > 0;
  }

  /** Whether it holds the message. */
  holds(id: string): boolean {
    return this.#entries.some((entry) => entry.type === "message" && entry.id === id);
  }

  /** Takes a message in. */
  message(id: string, text: string): void {
    this.#append({ type: "message", id, text });
  }

  /** A step of the present work is done, or begun where it cannot be done twice. */
  step(): void {
    this.#append({ type: "step" });
  }

  /** The present work is done. */
  reply(text: string): void {
    this.#append({ type: "reply", text });
  }

  /** What is left to do of everything since the last reply. */
  work(): Task {
    const since = this.#entries.slice(
      this.#entries.findLastIndex(({ type }) => type === "reply") + 1,
    );
    const tasks = since.flatMap((entry) =>
      entry.type === "message" ? [readTask(entry.text)] : [],
    );
    const done = since.filter(({ type }) => type === "step").length;
    const scripts = tasks.filter(({ steps }) => steps.length > 0);
    return {
      steps: tasks.flatMap(({ steps }) => steps).slice(done),
      reply: (scripts.length > 0 ? scripts : tasks).map(({ reply }) => reply).join("\n"),
    };
  }

  #append(entry: Entry): void {
    this.#entries.push(entry);
    appendFileSync(this.#path, `${JSON.stringify(entry)}\n`);
  }
}

/** A line that was torn by a kill is the last one, and was never acted on. */
function readEntries(path: string): Entry[] {
  const lines = readFileSync(path, "utf8").split("\n");
  return lines.slice(0, -1).map((line) => JSON.parse(line) as Entry);
}
