/** One call's deadline and the caller's signal, joined. */
export interface CallDeadline {
  readonly signal: AbortSignal;
  /** What ended the call early; null while nothing did. */
  endedBy(): "timeout" | "caller" | null;
  /** Takes the timer and the listener away. */
  release(): void;
}

/**
 * Starts the deadline of one call: it covers the token, the connection, the answer and its body. A
 * timer of our own and not ky's, which starts anew for the body.
 */
export function callDeadline(timeoutMs: number, caller: AbortSignal | undefined): CallDeadline {
  const controller = new AbortController();
  let ended: "timeout" | "caller" | null = null;
  const end = (by: "timeout" | "caller"): void => {
    ended ??= by;
    controller.abort();
  };
  const onAbort = (): void => end("caller");
  const timer = setTimeout(() => end("timeout"), timeoutMs);
  caller?.addEventListener("abort", onAbort, { once: true });
  if (caller?.aborted === true) {
    onAbort();
  }
  return {
    signal: controller.signal,
    endedBy: () => ended,
    release: () => {
      clearTimeout(timer);
      caller?.removeEventListener("abort", onAbort);
    },
  };
}

/** The promise, or a rejection as soon as the signal aborts; the promise itself runs on. */
export async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  if (signal.aborted) {
    onAbort();
  }
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
