import type { SessionEventType } from "../events/catalogue.ts";
import type { SessionRecord } from "../runtime/session-record.ts";

/**
 * Something that is made of the log: a table, a sum, a list. It holds no fact of its own, so it can
 * be thrown away and made anew at any time.
 */
export interface Projection<State> {
  /** Makes the state before the first event. */
  readonly initial: () => State;
  /** The state after the event. It may change the state that it was given and give that back. */
  readonly apply: (state: State, event: SessionRecord) => State;
  /** Only events of these names. Default: all. */
  readonly types?: readonly SessionEventType[];
}
