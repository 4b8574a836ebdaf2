import type { EventOf, SessionEvent, SessionEventType } from "../events/catalogue.ts";
import type { Recorded } from "../events/event.ts";
import { Draft } from "./draft.ts";
import type { Fold } from "./folds/fold.ts";
import { lifeFolds } from "./folds/life-folds.ts";
import { messageFolds } from "./folds/message-folds.ts";
import { meterFolds } from "./folds/meter-folds.ts";
import { operationFolds } from "./folds/operation-folds.ts";
import { runFolds } from "./folds/run-folds.ts";
import type { Session } from "./state.ts";

const folds: { readonly [Type in SessionEventType]: Fold<EventOf<Type>> } = {
  ...lifeFolds,
  ...messageFolds,
  ...runFolds,
  ...operationFolds,
  ...meterFolds,
};

/** The state after the event. Pure, total: never throws, and lets pass what it does not know. */
export function evolve(state: Session, event: Recorded<SessionEvent>): Session {
  return foldEvents(state, [event]);
}

/** The state after the events. As `evolve` for each, with each collection copied at most once. */
export function foldEvents(state: Session, events: Iterable<Recorded<SessionEvent>>): Session {
  const draft = new Draft(state);
  for (const event of events) applyTo(draft, event);
  return draft.state;
}

/** Folds the event into the draft. */
export function applyTo(draft: Draft, event: Recorded<SessionEvent>): void {
  const { state } = draft;
  state.version += 1;
  if (event.recordedAt > state.now) state.now = event.recordedAt;
  // The table holds a fold for every type that this release knows; a log may hold later ones.
  const fold = folds[event.type] as Fold<SessionEvent> | undefined;
  fold?.(draft, event.data, state.now);
}
