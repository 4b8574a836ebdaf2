/** Something that many can wait for, again and again. A wake-up is a hint: who wakes looks again. */
export class WakeUp {
  readonly #waiting = new Set<() => void>();
  #count = 0;

  /** How often it has happened: taken before a look, so that none is missed during the look. */
  get count(): number {
    return this.#count;
  }

  /** Wakes everyone who waits now. */
  wake(): void {
    this.#count += 1;
    for (const done of this.#waiting) done();
  }

  /** Resolves at the first wake-up since `count` was so many, when the signal aborts, or after `limitMs`. */
  next(since: number, limitMs: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        this.#waiting.delete(done);
        signal?.removeEventListener("abort", done);
        clearTimeout(timer);
        resolve();
      };
      const timer = setTimeout(done, limitMs);
      this.#waiting.add(done);
      signal?.addEventListener("abort", done);
      if (this.#count !== since || signal?.aborted === true) done();
    });
  }
}
