import { fileURLToPath } from "node:url";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import type { SharedTerms } from "./orchestrator.ts";
import type { TcpProxy } from "./tcp-proxy.ts";

/** An orchestrator's process, which comes back whenever it dies, until it is ended. */
export class Victim {
  readonly #terms: SharedTerms;
  readonly #prefix: readonly string[];
  readonly #way: TcpProxy;
  #process: ReturnType<typeof launch> | null = null;
  #ended = false;
  #living: Promise<void> = Promise.resolve();

  /** @param way its cable to the store. */
  constructor(terms: SharedTerms, prefix: readonly string[], way: TcpProxy) {
    this.#terms = terms;
    this.#prefix = prefix;
    this.#way = way;
  }

  start(): void {
    this.#living = this.#live();
  }

  /** It dies at once, and comes back. */
  kill(): void {
    this.#process?.kill("SIGKILL");
  }

  /** It stands still for so long, and knows nothing of it. */
  async freeze(ms: number): Promise<void> {
    const frozen = this.#process;
    frozen?.kill("SIGSTOP");
    await sleep(ms);
    frozen?.kill("SIGCONT");
  }

  /** It cannot reach the store for so long. */
  cut(ms: number): void {
    this.#way.cut(ms);
  }

  async end(): Promise<void> {
    this.#ended = true;
    this.kill();
    await this.#living;
    await this.#way[Symbol.asyncDispose]();
  }

  async #live(): Promise<void> {
    while (!this.#ended) {
      this.#process = launch(this.#prefix, this.#terms);
      const { signal, exitCode } = await this.#process;
      // One that cannot reach the store at its start ends by itself.
      if (signal === undefined && !this.#ended)
        process.stderr.write(`${this.#terms.name} ended with ${exitCode} and is started again.\n`);
      if (!this.#ended) await sleep(500);
    }
  }
}

function launch(prefix: readonly string[], terms: SharedTerms) {
  const program = fileURLToPath(new URL("orchestrator.ts", import.meta.url));
  const [file, ...args] = [...prefix, process.execPath, "--conditions=@waybill/source", program];
  return execa(file, args, {
    input: JSON.stringify(terms),
    stdout: "ignore",
    stderr: process.env["WAYBILL_CHAOS_LOG"] === undefined ? "ignore" : "inherit",
    buffer: false,
    reject: false,
  });
}
