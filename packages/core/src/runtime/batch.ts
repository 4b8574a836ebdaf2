import type { Instant } from "../ids.ts";
import type { NewEvent } from "../ports/event-store.ts";
import type { Ids } from "../ports/ids.ts";
import type { SessionCommand } from "../session/command.ts";
import { step } from "../session/decide.ts";
import type { Session } from "../session/state.ts";
import { toNewEvent, type SessionRecord } from "./session-record.ts";

/** How a command ended. */
export interface Reply {
  /** What was recorded for it; empty for a repeat. */
  readonly events: readonly SessionRecord[];
  /** The store knew the command's event from before: it is a repeat of something long done. */
  readonly repeated: boolean;
  /** A fact that was not recorded: it was seen under a lease that is another's by now. */
  readonly letGo: boolean;
}

/** A command that waits for its turn. */
export interface Waiting {
  readonly command: SessionCommand;
  readonly at: Instant;
  /** A name under which its first event can be recorded only once in the life of the store. */
  readonly onceAs: string | null;
  /** An outcome or observation: tried until it is recorded, since nobody else would say it again. */
  readonly fact: boolean;
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: unknown) => void;
}

/** What a batch of commands came to. */
export interface Decided {
  /** The state after all of them. */
  readonly state: Session;
  readonly events: readonly NewEvent[];
  /** Which events each command gave: `from` up to, not including, `to`. */
  readonly kept: readonly {
    readonly waiting: Waiting;
    readonly from: number;
    readonly to: number;
  }[];
  readonly refused: readonly { readonly waiting: Waiting; readonly error: unknown }[];
}

/** Decides commands one after the other, each on the state that the one before led to. */
export function decideBatch(base: Session, batch: readonly Waiting[], ids: Ids): Decided {
  let state = base;
  const events: NewEvent[] = [];
  const kept: { waiting: Waiting; from: number; to: number }[] = [];
  const refused: { waiting: Waiting; error: unknown }[] = [];
  for (const waiting of batch) {
    const { command, at, onceAs } = waiting;
    try {
      const next = step({ ...command, at }, state);
      const from = events.length;
      for (const event of next.events) {
        const named = onceAs !== null && keyed.has(event.type);
        const id = named ? `${base.id}/${onceAs}` : ids.uuid();
        events.push(toNewEvent(event, { id, recordedAt: next.now, causation: command.type }));
      }
      state = next.state;
      kept.push({ waiting, from, to: events.length });
    } catch (error) {
      refused.push({ waiting, error }); // a refusal concerns its own command alone
    }
  }
  return { state, events, kept, refused };
}

/** What a command with a name of its own is recorded as. */
const keyed: ReadonlySet<string> = new Set(["MessageQueued", "CloseRequested", "WordRedriven"]);

/**
 * Takes what can be appended together. A command that may be a repeat of something old goes alone,
 * and so does one whose event takes the place of all others.
 */
export function takeBatch(queue: Waiting[]): readonly Waiting[] {
  const alone = queue.findIndex((waiting) => waiting.onceAs !== null || isErasure(waiting));
  return queue.splice(0, alone === -1 ? queue.length : Math.max(alone, 1));
}

function isErasure({ command }: Waiting): boolean {
  return command.type === "Succeeded" && command.effect.type === "erase";
}

/** Tells everybody who asked what came of it. */
export function settleAll(
  kept: Decided["kept"],
  records: readonly SessionRecord[],
  repeated: boolean,
): void {
  for (const { waiting, from, to } of kept) {
    waiting.resolve({ events: records.slice(from, to), repeated, letGo: false });
  }
}

/** What the world said is recorded by the session's owner alone; a user's command by anybody. */
export function fenceFor(
  batch: readonly Waiting[],
  epoch: number | null,
): { readonly epoch: number } | undefined {
  return epoch !== null && batch.some(({ fact }) => fact) ? { epoch } : undefined;
}
