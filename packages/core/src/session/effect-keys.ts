import type { MessageId, OperationId, RunId } from "../ids.ts";

/**
 * The stable name of every effect. An effect is idempotent under its key, is never in flight twice,
 * and is retried under the same one.
 */
export const keyOf: {
  readonly admit: string;
  readonly erase: string;
  readonly start: (run: RunId) => string;
  readonly hold: (run: RunId) => string;
  readonly watch: (run: RunId) => string;
  readonly attach: (run: RunId, capUsd: number | null) => string;
  readonly meter: (run: RunId) => string;
  readonly receive: (run: RunId) => string;
  readonly drain: (run: RunId) => string;
  readonly stop: (run: RunId) => string;
  readonly remove: (run: RunId) => string;
  readonly put: (run: RunId, message: MessageId, delivery: number) => string;
  readonly interrupt: (run: RunId, turn: string) => string;
  readonly dismiss: (run: RunId) => string;
  readonly answer: (run: RunId, seq: number) => string;
  readonly perform: (operation: OperationId, attempt: number) => string;
  readonly lookup: (operation: OperationId, attempt: number) => string;
  readonly authorise: (operation: OperationId) => string;
} = {
  admit: "admit",
  erase: "erase",
  start: (run) => `${run}/start`,
  hold: (run) => `${run}/hold`,
  watch: (run) => `${run}/watch`,
  attach: (run, capUsd) => `${run}/attach:${capUsd ?? "uncapped"}`,
  meter: (run) => `${run}/meter`,
  receive: (run) => `${run}/receive`,
  drain: (run) => `${run}/drain`,
  stop: (run) => `${run}/stop`,
  remove: (run) => `${run}/remove`,
  put: (run, message, delivery) => `${run}/put:${message}:${delivery}`,
  interrupt: (run, turn) => `${run}/interrupt:${turn}`,
  dismiss: (run) => `${run}/dismiss`,
  answer: (run, seq) => `${run}/answer:${seq}`,
  perform: (operation, attempt) => `op:${operation}/perform:${attempt}`,
  lookup: (operation, attempt) => `op:${operation}/lookup:${attempt}`,
  authorise: (operation) => `op:${operation}/authorise`,
};

/** Whether the key belongs to this run. */
export function isKeyOfRun(key: string, run: RunId): boolean {
  return key.startsWith(`${run}/`);
}
