import type { TrackerEvent } from "@waybill/core";

/** An event as it came, with the cursor of the one before it; undefined where the board tells none. */
export interface ToldEvent {
  readonly event: TrackerEvent;
  readonly previous: string | null | undefined;
}

/** Puts events that come twice or in a wrong order right. */
export interface InOrder {
  /** The cursor of the last event that was let through; null for the beginning. */
  readonly last: string | null;
  /** Whether an event is missing before one that has come. */
  readonly waits: boolean;
  /** Where the board begins to tell: counts as long as nothing was let through and no cursor given. */
  beginAt(cursor: string | null): void;
  /** Takes an event in; gives those that are due now, in the board's order. */
  offer(told: ToldEvent): readonly TrackerEvent[];
  /** Forgets what waits for an event that did not come: it will be told again. */
  dropWaiting(): void;
}

/** So many ids of the last events are remembered, to know one that comes again. */
const remembered = 4096;
/** So many events may wait for one before them; then the board is asked again. */
const mostWaiting = 1024;

/**
 * Lets each event through once and in order. The cursor of the event before, which each event names,
 * shows what is missing; a board that names none is trusted with its order, and only repeats are
 * left out.
 */
export function inOrder(after: string | null): InOrder {
  const seen = new Set<string>();
  const waiting = new Map<string | null, TrackerEvent>();
  let last = after;

  const pass = (event: TrackerEvent): TrackerEvent => {
    last = event.cursor;
    seen.add(event.id);
    for (const oldest of seen) {
      if (seen.size <= remembered) break;
      seen.delete(oldest);
    }
    return event;
  };

  return {
    get last() {
      return last;
    },
    get waits() {
      return waiting.size > 0;
    },
    beginAt: (cursor) => {
      last ??= cursor;
    },
    offer({ event, previous }) {
      if (seen.has(event.id) || event.cursor === last) return [];
      if (previous === undefined) return [pass(event)];
      if (previous !== last) {
        if (waiting.size < mostWaiting) waiting.set(previous, event);
        return [];
      }
      const due = [pass(event)];
      for (let next = waiting.get(last); next !== undefined; next = waiting.get(last)) {
        waiting.delete(last);
        due.push(pass(next));
      }
      return due;
    },
    dropWaiting: () => waiting.clear(),
  };
}
