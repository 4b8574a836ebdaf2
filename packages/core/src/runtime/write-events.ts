import type { AppendResult, EventStore, NewEvent } from "../ports/event-store.ts";
import type { SessionId } from "../ids.ts";

/** Makes a decision's events durable. A tombstone takes the place of everything before it. */
export function writeEvents(
  store: EventStore,
  session: SessionId,
  version: number,
  events: readonly NewEvent[],
  fence: { readonly epoch: number } | undefined,
): Promise<AppendResult> {
  const [first] = events;
  if (first?.type === "SessionErased") return store.erase(session, version, first, fence);
  return store.append(session, version === 0 ? "none" : version, events, fence);
}
