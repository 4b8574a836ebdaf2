import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** A program of this folder in a process of its own. */
export interface Program extends AsyncDisposable {
  readonly process: ChildProcess;
  /** The lines of its standard output, as they come. */
  readonly lines: AsyncIterableIterator<string>;
  /** Resolves with all of standard error once the process has ended. */
  readonly ended: Promise<{ readonly code: number | null; readonly stderr: string }>;
  /** The next line of standard output; throws where it ends first. */
  nextLine(): Promise<string>;
}

/** Starts `test/programs/<name>.ts` from source; disposing of it kills it. */
export function runProgram(name: string, args: readonly string[]): Program {
  const file = fileURLToPath(new URL(`./programs/${name}.ts`, import.meta.url));
  const child = spawn(process.execPath, ["--conditions=@waybill/source", file, ...args], {
    stdio: "pipe",
  });
  const stderr: string[] = [];
  child.stderr.setEncoding("utf8").on("data", (text: string) => stderr.push(text));
  const ended = once(child, "close").then(([code]) => ({
    code: typeof code === "number" ? code : null,
    stderr: stderr.join(""),
  }));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    process: child,
    lines,
    ended,
    nextLine: async () => {
      const line = await lines.next();
      if (line.done === true)
        throw new Error(`${name} ended without the line that was awaited: ${(await ended).stderr}`);
      return line.value;
    },
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGKILL");
      await ended;
    },
  };
}
