/**
 * What a failure means for a retry.
 *
 * - `transient`: it was not done; the same call may succeed later.
 * - `rate`: it was refused for now; wait for `retryAfterMs`.
 * - `permanent`: it was not done, and repeating it cannot help.
 * - `unknown`: it may have been done; only a call that is idempotent under its key may be repeated.
 */
export type FailureClass = "transient" | "rate" | "permanent" | "unknown";

/** A failure as it is recorded in an event: JSON-safe, without stack or cause. */
export interface Failure {
  readonly class: FailureClass;
  /** A stable code, for example `IMAGE_MISSING`. */
  readonly code: string;
  /** A sentence for a person that names the value and the fix. */
  readonly message: string;
  /** For `rate`: how long to wait, in milliseconds. */
  readonly retryAfterMs?: number;
}

/** What an error carries beside its message. */
export interface WaybillErrorOptions {
  /** Default: `permanent`. */
  readonly class?: FailureClass;
  readonly retryAfterMs?: number;
  /** The values that a person or a program needs, JSON-safe and free of secrets. */
  readonly details?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

/**
 * Every error that Waybill and its adapters raise on purpose. Match by `code`, not by `instanceof`:
 * two copies of a package may be loaded side by side. A programmer's mistake is a plain `TypeError`.
 */
export class WaybillError extends Error {
  readonly code: string;
  readonly class: FailureClass;
  readonly retryAfterMs: number | undefined;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: string, message: string, options: WaybillErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "WaybillError";
    this.code = code;
    this.class = options.class ?? "permanent";
    this.retryAfterMs = options.retryAfterMs;
    this.details = options.details ?? {};
  }
}

/** The error as an event records it. An error that is not ours may have been half done: `unknown`. */
export function failureOf(error: unknown): Failure {
  if (isWaybillError(error)) {
    return {
      class: error.class,
      code: error.code,
      message: error.message,
      ...(error.retryAfterMs === undefined ? {} : { retryAfterMs: error.retryAfterMs }),
    };
  }
  const message = error instanceof Error ? error.message : String(error);
  return { class: "unknown", code: "UNEXPECTED", message };
}

/** Whether the value is an error with a code of ours, whichever copy of the package made it. */
export function isWaybillError(error: unknown): error is WaybillError {
  return error instanceof Error && error.name === "WaybillError" && "code" in error;
}
