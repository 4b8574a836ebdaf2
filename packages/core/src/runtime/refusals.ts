import { isWaybillError } from "../errors.ts";
import type { EventStore } from "../ports/event-store.ts";
import type { Logger } from "../ports/logger.ts";
import type { Session } from "../session/state.ts";
import type { Decided, Waiting } from "./batch.ts";
import { hasEvent } from "./session-record.ts";

/** Tells who asked for what cannot be; what the world said is only logged, since nobody asked. */
export async function refuseAll(
  refused: Decided["refused"],
  { id }: Session,
  { store, logger }: { readonly store: EventStore; readonly logger: Logger },
): Promise<void> {
  for (const { waiting, error } of refused) {
    const { command, onceAs, fact, resolve, reject } = waiting;
    // The repeat of something recorded long ago is no mistake, whatever became of the session.
    if (onceAs !== null && (await hasEvent(store, id, `${id}/${onceAs}`))) {
      resolve({ events: [], repeated: true, letGo: false });
    } else if (fact) {
      logger.error("A rule threw.", { session: id, command: command.type, error: String(error) });
      resolve({ events: [], repeated: false, letGo: false });
    } else {
      reject(error);
    }
  }
}

/** Tells who asked that the store failed; gives back what the world said, to be tried again. */
export function giveBack(batch: readonly Waiting[], error: unknown): readonly Waiting[] {
  for (const { onceAs, fact, resolve, reject } of batch) {
    if (isRepeat(error) && onceAs !== null) resolve({ events: [], repeated: true, letGo: false });
    else if (!fact) reject(error);
  }
  return batch.filter(({ fact }) => fact);
}

/** Another owner has claimed the session: what this one saw is the other's to see. Gives the rest. */
export function leaveFacts(batch: readonly Waiting[]): readonly Waiting[] {
  for (const { fact, resolve } of batch)
    if (fact) resolve({ events: [], repeated: false, letGo: true });
  return batch.filter(({ fact }) => !fact);
}

/** Whether the store knows an event of the batch from before. */
export function isRepeat(error: unknown): boolean {
  return isWaybillError(error) && error.code === "EVENT_ID_REUSED";
}
