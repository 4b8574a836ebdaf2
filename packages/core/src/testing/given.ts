import assert from "node:assert/strict";
import type { SessionEvent } from "../events/catalogue.ts";
import type { Instant } from "../ids.ts";
import type { SessionCommand, Seen } from "../session/command.ts";
import { decide } from "../session/decide.ts";
import type { Duty } from "../session/effect.ts";
import { foldEvents } from "../session/evolve.ts";
import { pending } from "../session/pending.ts";
import type { Session } from "../session/state.ts";
import { unopened } from "../session/unopened.ts";

/** A past to decide on. */
export interface Given {
  /** The state that the past leads to. */
  readonly state: Session;
  /** Gives a command; by default at the instant of the last event. */
  when(command: SessionCommand, options?: { readonly at?: Instant }): When;
  /** What is outstanding; by default at the instant of the last event, with nothing seen. */
  pending(seen?: Partial<Seen>): readonly Duty[];
}

/** A command to judge. */
export interface When {
  /** Exactly these events follow. Gives the past with them in it. */
  then(events: readonly SessionEvent[]): Given;
  /** Events of these types follow, in this order. Gives the past with them in it. */
  thenTypes(types: readonly SessionEvent["type"][]): Given;
  /** It is a repeat, or concerns nobody. */
  thenNothing(): Given;
  /** It is refused with this code. */
  thenRefused(code: string): void;
}

/**
 * The past of a session, for `given(events).when(command).then(events)`. Events are recorded one
 * millisecond apart from `start`.
 */
export function given(
  events: readonly SessionEvent[],
  options: { readonly session?: string; readonly start?: Instant } = {},
): Given {
  const { session = "s-1", start = 1_000_000 } = options;
  const recorded = events.map((event, index) => ({ ...event, recordedAt: start + index }));
  return past(foldEvents(unopened(session), recorded));
}

function past(state: Session): Given {
  return {
    state,
    pending: (seen = {}) =>
      pending(state, { now: state.now, aliveAt: null, caughtUpAt: null, ...seen }),
    when(command, { at = state.now } = {}) {
      const timed = { ...command, at };
      const record = (events: readonly SessionEvent[]): Given => {
        const recordedAt = Math.max(at, state.now);
        return past(
          foldEvents(
            state,
            events.map((event) => ({ ...event, recordedAt })),
          ),
        );
      };
      const thenEvents = (expected: readonly SessionEvent[]): Given => {
        const events = decide(timed, state);
        assert.deepEqual(events, expected);
        return record(events);
      };
      return {
        // oxlint-disable-next-line unicorn/no-thenable -- given/when/then is the point of this kit
        then: thenEvents,
        thenTypes(types) {
          const events = decide(timed, state);
          assert.deepEqual(
            events.map(({ type }) => type),
            types,
          );
          return record(events);
        },
        thenNothing: () => thenEvents([]),
        thenRefused(code) {
          assert.throws(() => decide(timed, state), { code });
        },
      };
    },
  };
}
