/** Resolves after the time, or as soon as the signal aborts. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done);
    if (signal.aborted) done();
  });
}

/** The wait before the next try, in milliseconds: doubles with each failure, and never twice alike. */
export function waitBefore(
  failures: number,
  options: { readonly reconnectMs: number; readonly reconnectCapMs: number },
): number {
  const whole = Math.min(options.reconnectMs * 2 ** Math.min(failures, 30), options.reconnectCapMs);
  return whole * (0.5 + Math.random() / 2);
}
