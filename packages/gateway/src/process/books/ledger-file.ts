import {
  closeSync,
  existsSync,
  fstatSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import path from "node:path";
import type { LedgerLine } from "./ledger-lines.ts";

/** Lines that wait for a disk that refuses them; what is spent is known in memory all the same. */
const WAITING_LINES = 10_000;

/**
 * The file of one session's ledger. A line is handed to the system at once and by name, so that the
 * process may die right after: it is some microseconds, a few times a request. What the file does
 * not take waits for the next line.
 */
export class LedgerFile {
  readonly #path: string;
  #fd: number | null = null;
  #waiting: string[] = [];
  #isFailing = false;
  #isStarted = false;
  #isRemoved = false;

  constructor(file: string) {
    this.#path = file;
  }

  /** Empty where there is none. */
  read(): string {
    if (!existsSync(this.#path)) return "";
    this.#isStarted = true;
    return readFileSync(this.#path, "utf8");
  }

  /** Whether there is a first line, so that others can follow it. */
  get isStarted(): boolean {
    return this.#isStarted;
  }

  /** Puts these lines in the place of all that is there, at once or not at all. */
  rewrite(lines: readonly LedgerLine[]): boolean {
    if (this.#isRemoved) return false;
    return this.#attempt(() => {
      mkdirSync(path.dirname(this.#path), { recursive: true, mode: 0o700 });
      const text = lines.map((line) => `${JSON.stringify(line)}\n`).join("");
      writeFileSync(`${this.#path}.tmp`, text, { mode: 0o600 });
      renameSync(`${this.#path}.tmp`, this.#path);
      this.close();
      this.#waiting = [];
      this.#isStarted = true;
    });
  }

  /** Whether the line, and all before it, are written. */
  append(line: LedgerLine): boolean {
    if (!this.#isStarted) return false;
    this.#waiting.push(`${JSON.stringify(line)}\n`);
    if (this.#waiting.length > WAITING_LINES) this.#waiting.shift();
    return this.flush();
  }

  /** Writes what waits. */
  flush(): boolean {
    if (!this.#isStarted) return false;
    if (this.#waiting.length === 0) return true;
    return this.#attempt(() => {
      this.#fd ??= openSync(this.#path, "a", 0o600);
      const bytes = Buffer.from(this.#waiting.join(""));
      const written = writeSync(this.#fd, bytes);
      // A disk that is nearly full takes a part: it is taken back, or lines would stand there twice.
      if (written < bytes.length) {
        ftruncateSync(this.#fd, fstatSync(this.#fd).size - written);
        throw new Error(`only ${written} of ${bytes.length} bytes fit`);
      }
      this.#waiting = [];
    });
  }

  /** Removes it, for good: nothing is written to it any more. */
  remove(): void {
    this.close();
    this.#isRemoved = true;
    this.#isStarted = false;
    this.#waiting = [];
    rmSync(this.#path, { force: true });
  }

  close(): void {
    if (this.#fd !== null) closeSync(this.#fd);
    this.#fd = null;
  }

  #attempt(work: () => void): boolean {
    try {
      work();
      this.#isFailing = false;
      return true;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      if (!this.#isFailing) process.stderr.write(`${this.#path} cannot be written: ${reason}\n`);
      this.#isFailing = true;
      return false;
    }
  }
}
