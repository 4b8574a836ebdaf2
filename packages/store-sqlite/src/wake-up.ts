/** Something that many can wait for, again and again. A wake-up is a hint: who wakes looks again. */
export class WakeUp {
  readonly #waiting = new Set<() => void>();

  /** Wakes everyone who waits now. */
  wake(): void {
    for (const done of this.#waiting) done();
  }

  /** Resolves at the next wake-up, when the signal aborts, or after so many milliseconds. */
  next(signal?: AbortSignal, limitMs?: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        this.#waiting.delete(done);
        signal?.removeEventListener("abort", done);
        clearTimeout(timer);
        resolve();
      };
      const timer = limitMs === undefined ? undefined : setTimeout(done, limitMs);
      this.#waiting.add(done);
      signal?.addEventListener("abort", done);
      if (signal?.aborted === true) done();
    });
  }
}
