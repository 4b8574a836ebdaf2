import type { Clock } from "../../ports/clock.ts";
import type { Life } from "./mortal.ts";
import type { Forecast, Weather } from "./weather.ts";

/** What a life takes place in. */
export interface LifeParts {
  /** The world's. */
  readonly clock: Clock;
  /** Where it writes down every point that it passes. */
  readonly points: string[];
  /** At which of them it dies. */
  readonly crashAt: readonly number[];
  readonly weather: Forecast;
}

/** One life of an orchestrator in a fake world. */
export class FakeLife implements Life {
  readonly #parts: LifeParts;
  readonly #died = Promise.withResolvers<void>();
  #alive = true;
  #sleep: PromiseWithResolvers<void> | null = null;

  constructor(parts: LifeParts) {
    this.#parts = parts;
  }

  get alive(): boolean {
    return this.#alive;
  }

  get asleep(): Promise<void> | null {
    return this.#sleep?.promise ?? null;
  }

  /** Resolves when it dies at a point. */
  get died(): Promise<void> {
    return this.#died.promise;
  }

  pass(point: string): boolean {
    if (!this.#alive) return false;
    const { points, crashAt } = this.#parts;
    points.push(point);
    if (crashAt.includes(points.length - 1)) {
      this.end();
      this.#died.resolve();
    }
    return this.#alive;
  }

  weather(point: string): Weather | null {
    return this.#parts.weather(point);
  }

  pause(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#parts.clock.after(ms, resolve);
    return promise;
  }

  /** It dies. */
  end(): void {
    this.#alive = false;
    this.wake();
  }

  /** It stands still from now on. */
  freeze(): void {
    this.#sleep ??= Promise.withResolvers();
  }

  /** It goes on. */
  wake(): void {
    this.#sleep?.resolve();
    this.#sleep = null;
  }

  /** The world's clock as it sees it: timers of a process that died never ring, of a frozen one late. */
  clock(errorMs: number): Clock {
    const { clock } = this.#parts;
    return {
      now: () => clock.now() + errorMs,
      after: (delayMs, wake) => {
        let cancelled = false;
        const ring = async (): Promise<void> => {
          while (this.#sleep !== null) await this.#sleep.promise;
          if (this.#alive && !cancelled) wake();
        };
        const cancel = clock.after(delayMs, () => {
          if (this.#sleep !== null) void ring();
          else if (this.#alive) wake();
        });
        return () => {
          cancelled = true;
          cancel();
        };
      },
    };
  }
}
