/** Wakes everybody who waits for it; who asked before it rang misses nothing. */
export class Bell {
  #next: PromiseWithResolvers<void> = Promise.withResolvers();

  /** Resolves at the next ring, or when the signal aborts. */
  async next(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const aborted = Promise.withResolvers<void>();
    const stop = (): void => aborted.resolve();
    signal.addEventListener("abort", stop, { once: true });
    await Promise.race([this.#next.promise, aborted.promise]);
    signal.removeEventListener("abort", stop);
  }

  /** Wakes all. */
  ring(): void {
    this.#next.resolve();
    this.#next = Promise.withResolvers();
  }
}
