import type { Clock } from "../ports/clock.ts";
import type { EventStore, StoredEvent } from "../ports/event-store.ts";
import type { Logger } from "../ports/logger.ts";
import { pause } from "./ticker.ts";

/** Between tries to follow the log, in milliseconds. */
const retryMs = 1_000;

/** What to follow, and who is told. */
export interface FollowParts {
  readonly log: Pick<EventStore, "subscribe">;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The position to go on from; undefined for the beginning. */
  readonly after: string | undefined;
  /** Only events of these names. Default: all. */
  readonly types?: readonly string[];
  readonly signal: AbortSignal;
  readonly onEvent: (event: StoredEvent) => void;
}

/** Hears what is appended to the log, also by other processes, until the signal aborts. */
export async function followLog(parts: FollowParts): Promise<void> {
  const { log, clock, logger, types, signal, onEvent } = parts;
  for (let after = parts.after; !signal.aborted;) {
    try {
      const options = {
        signal,
        ...(after === undefined ? {} : { after }),
        ...(types === undefined ? {} : { types }),
      };
      for await (const page of log.subscribe(options)) {
        for (const event of page) onEvent(event);
        after = page.at(-1)?.position ?? after;
      }
    } catch (error) {
      if (signal.aborted) return;
      logger.warn("The log could not be followed.", { error: String(error) });
      await pause(clock, retryMs, signal);
    }
  }
}
