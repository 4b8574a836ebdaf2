import { appendFile, mkdir } from "node:fs/promises";
import path from "node:path";

/** One request of one run, as it ended. Never contents, never a credential. */
export interface AuditLine {
  /** When the request came, in milliseconds since the Unix epoch. */
  readonly at: number;
  readonly owner: string;
  readonly session: string;
  readonly run: string;
  /** Null where the request was no HTTP. */
  readonly method: string | null;
  readonly path: string | null;
  /** The named upstream that it went to; left out for the model API. */
  readonly upstream?: string;
  readonly model: string | null;
  /** What the run was answered; null where it left before that. */
  readonly status: number | null;
  /**
   * `answered` in full by the upstream, `refused` here, `failed` at the upstream, or `aborted` by the
   * run.
   */
  readonly outcome: "answered" | "refused" | "failed" | "aborted";
  readonly reason?: string;
  /** The upstream's own id for the request. */
  readonly upstreamId?: string;
  readonly requestBytes: number;
  readonly responseBytes: number;
  readonly ms: number;
  /** Refusals of this run that were counted here instead of getting lines of their own. */
  readonly suppressed?: number;
}

/** An append-only record of what runs asked for. */
export interface AuditLog {
  record(line: AuditLine): void;
  /** Resolves once everything recorded so far is written, or has failed to be. */
  flush(): Promise<void>;
}

/** Lines that wait for a disk that refuses them; more are dropped, and said so. */
const WAITING_LINES = 10_000;

/** Writes lines in batches to `<folder>/<UTC day>.ndjson`, mode 0600. */
export function openAuditLog(folder: string): AuditLog {
  let waiting: string[] = [];
  let dropped = 0;
  let failing = false;
  let writing: Promise<void> | null = null;

  const writeBatch = async (batch: readonly string[]): Promise<void> => {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const file = path.join(folder, `${new Date().toISOString().slice(0, 10)}.ndjson`);
    await appendFile(file, batch.join(""), { mode: 0o600 });
    failing = false;
  };
  const postpone = (batch: readonly string[], error: unknown): void => {
    // Requests go on: an agent's work is worth more than its record. The next line tries again.
    dropped += Math.max(0, batch.length + waiting.length - WAITING_LINES);
    waiting = [...batch, ...waiting].slice(-WAITING_LINES);
    if (failing) return;
    failing = true;
    const reason = error instanceof Error ? error.message : String(error);
    process.stderr.write(`The audit log cannot be written: ${reason} (${dropped} lines lost)\n`);
  };
  const write = async (): Promise<void> => {
    while (waiting.length > 0) {
      const batch = waiting;
      waiting = [];
      try {
        await writeBatch(batch);
      } catch (error) {
        postpone(batch, error);
        break;
      }
    }
    writing = null;
  };

  return {
    record(line) {
      waiting.push(`${JSON.stringify(line)}\n`);
      writing ??= write();
    },
    flush: async () => {
      await writing;
      await write();
    },
  };
}
