import { WaybillError } from "../errors.ts";
import type { Json } from "../json.ts";
import type { EventStore, StoredEvent } from "../ports/event-store.ts";
import type { Clock } from "../ports/clock.ts";
import { dispatchSchemas, type DispatchEvent } from "./dispatch-events.ts";
import type { DispatchLease } from "./dispatch-lease.ts";
import { evolveDispatch, nothingDispatched, type DispatchState } from "./dispatch-state.ts";

/** The stream of dispatch in the hands of its owner. */
export interface DispatchLog {
  readonly state: DispatchState;
  /** Resolves once it is durable; false where it was there already. */
  record(event: DispatchEvent): Promise<boolean>;
}

/** Reads the stream. Recording throws `DISPATCH_OWNED` as soon as another process has taken it over. */
export async function openDispatchLog(
  store: EventStore,
  clock: Clock,
  lease: DispatchLease,
): Promise<DispatchLog> {
  const { stream } = lease;
  let state = nothingDispatched;
  for await (const page of store.read(stream)) {
    for (const stored of page) state = evolveDispatch(state, fromStored(stored), stored.recordedAt);
  }
  // One append at a time, so that each expects the version that the one before made.
  let last: Promise<unknown> = Promise.resolve();

  const append = async (event: DispatchEvent): Promise<boolean> => {
    const recordedAt = clock.now();
    const result = await store.append(
      stream,
      state.version,
      [
        {
          id: idOf(stream, event),
          type: event.type,
          // Every event's data is JSON-safe by its type; the store checks it once more.
          data: event.data as unknown as Json,
          schema: dispatchSchemas[event.type],
          recordedAt,
          causation: null,
          mustUnderstand: true,
        },
      ],
      { epoch: lease.epoch },
    );
    if (!result.ok) throw lease.fenced();
    if (result.repeated) return false;
    state = evolveDispatch(state, event, recordedAt);
    return true;
  };

  return {
    get state() {
      return state;
    },
    record: (event) => {
      const appended = last.then(() => append(event));
      last = appended.catch(() => null);
      return appended;
    },
  };
}

// The ids make a repeat a repeat: an event of the board is seen once, whoever tells it again.
function idOf(stream: string, { type, data }: DispatchEvent): string {
  switch (type) {
    case "DispatchBegan":
      return `${stream}:began`;
    case "TrackerEventSeen":
      return `${stream}:seen:${data.event}`;
    case "Dispatched":
    case "DispatchFailed":
      return `${stream}:done:${data.event}#${data.index}`;
  }
}

function fromStored(stored: StoredEvent): DispatchEvent {
  const known = (dispatchSchemas as Readonly<Record<string, number | undefined>>)[stored.type];
  if (known !== undefined && stored.schema <= known) return stored as unknown as DispatchEvent;
  throw new WaybillError(
    "EVENT_UNKNOWN",
    `The stream ${stored.stream} holds a ${stored.type} of schema ${stored.schema} at version ${stored.version}, which this release does not know. Use the release that wrote it, or a later one.`,
    { details: { type: stored.type, schema: stored.schema, version: stored.version } },
  );
}
