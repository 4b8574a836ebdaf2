import type { AgentSlug, Instant, SessionId } from "../ids.ts";
import type {
  DispatchCommand,
  DispatchEvent,
  TaskBinding,
  TrackerEventSeen,
} from "./dispatch-events.ts";

/** A command that was decided and not carried out yet. */
export interface PendingCommand {
  /** `<event>#<index>`. */
  readonly key: string;
  readonly event: string;
  readonly index: number;
  readonly command: DispatchCommand;
  readonly decidedAt: Instant;
}

/** What dispatch remembers: where it is on the board, and what is open. */
export interface DispatchState {
  /** The stream's version. */
  readonly version: number;
  /** The last event of the board that was seen. */
  readonly cursor: string | null;
  /** Null until dispatch began. */
  readonly ignoreBefore: Instant | null;
  readonly tasks: ReadonlyMap<string, TaskBinding & { readonly session: SessionId }>;
  /** When each agent got its last prompts, or will get them; the oldest first. */
  readonly prompts: ReadonlyMap<AgentSlug, readonly Instant[]>;
  /** How often agents woke each other, by `chat:<id>` or `task:<id>`, since a person stepped in. */
  readonly turns: ReadonlyMap<string, number>;
  /** The same by session, for those that an agent woke last: what they do there counts on from it. */
  readonly depths: ReadonlyMap<SessionId, number>;
  /** In the order in which it was decided. */
  readonly pending: ReadonlyMap<string, PendingCommand>;
}

/** Before anything was recorded. */
export const nothingDispatched: DispatchState = {
  version: 0,
  cursor: null,
  ignoreBefore: null,
  tasks: new Map(),
  prompts: new Map(),
  turns: new Map(),
  depths: new Map(),
  pending: new Map(),
};

/** So many instants of an agent's prompts are kept: more than any sensible rate allows. */
const promptsKept = 1000;

/** The state after an event, which was recorded at an instant. */
export function evolveDispatch(
  state: DispatchState,
  event: DispatchEvent,
  recordedAt: Instant,
): DispatchState {
  const next = { ...state, version: state.version + 1 };
  switch (event.type) {
    case "DispatchBegan":
      return { ...next, ignoreBefore: event.data.ignoreBefore };
    case "TrackerEventSeen":
      return afterSeen(next, event.data, recordedAt);
    case "Dispatched":
    case "DispatchFailed": {
      const pending = new Map(state.pending);
      pending.delete(`${event.data.event}#${event.data.index}`);
      return { ...next, pending };
    }
    default:
      event satisfies never;
      return next;
  }
}

function afterSeen(
  state: DispatchState,
  seen: TrackerEventSeen["data"],
  decidedAt: Instant,
): DispatchState {
  const { cursor, bind, turns } = seen;
  return {
    ...state,
    cursor,
    ...(seen.commands.length === 0 ? {} : afterCommands(state, seen, decidedAt)),
    ...(bind === null ? {} : { tasks: bound(state.tasks, bind) }),
    ...(turns === null ? {} : { turns: counted(state.turns, turns) }),
  };
}

function afterCommands(
  state: DispatchState,
  { event, commands }: TrackerEventSeen["data"],
  decidedAt: Instant,
): Pick<DispatchState, "pending" | "prompts" | "depths"> {
  const pending = new Map(state.pending);
  let { depths } = state;
  const prompts = new Map(state.prompts);
  for (const [index, command] of commands.entries()) {
    if (command.type === "prompt") {
      const times = [...(prompts.get(command.agent) ?? []), command.at];
      prompts.set(command.agent, times.slice(-promptsKept));
      depths = counted(depths, { where: command.session, count: command.depth });
    } else {
      // What a session was still to be told is moot once it ends.
      for (const [key, { command: earlier }] of pending) {
        const isMoot = command.how === "stop" && earlier.type === "prompt";
        if (isMoot && earlier.session === command.session) pending.delete(key);
      }
    }
    const key = `${event}#${index}`;
    pending.set(key, { key, event, index, command, decidedAt });
  }
  return { pending, prompts, depths };
}

function bound(tasks: DispatchState["tasks"], bind: TaskBinding): DispatchState["tasks"] {
  const next = new Map(tasks);
  const { session } = bind;
  // Out and in again, so that the newest is the last.
  next.delete(bind.task);
  if (session !== null) next.set(bind.task, { ...bind, session });
  return next;
}

function counted(
  counts: ReadonlyMap<string, number>,
  { where, count }: { readonly where: string; readonly count: number },
): ReadonlyMap<string, number> {
  const next = new Map(counts);
  if (count === 0) next.delete(where);
  else next.set(where, count);
  return next;
}
