import { createHash } from "node:crypto";
import { WaybillError } from "../errors.ts";
import type { Fork } from "../events/session-events.ts";
import type { MessageId, OperationId, RunId, SessionId } from "../ids.ts";
import type { AgentWord } from "../ports/agent-word.ts";
import type { Ids } from "../ports/ids.ts";
import type { SessionCommand } from "../session/command.ts";
import { askedOfPeople, isIdle, statusOf, type SessionStatus } from "../session/status.ts";
import type { Approval, Operation, Session as SessionState } from "../session/state.ts";
import type { OpenOptions } from "./orchestrator.ts";
import { answerIn, assertGoesOn, assertNotHeld, type TurnResult } from "./answer.ts";
import type {
  CloseOptions,
  EraseOptions,
  EventsOptions,
  ForkOptions,
  SendOptions,
  Sent,
} from "./handle-options.ts";
import type { Reply } from "./batch.ts";
import { forkPoint } from "./fork-point.ts";
import { assertRejected, operationIn } from "./rejected-word.ts";
import type { SessionLoop } from "./session-loop.ts";
import type { SessionRecord } from "./session-record.ts";
import type { StreamReader } from "./stream-reader.ts";

/** A session in a user's hands. It holds nothing: another handle of the same id is the same session. */
export interface SessionHandle {
  readonly id: SessionId;

  /** Sends a message and waits for the turn that answers it. */
  ask(text: string, options?: SendOptions & { readonly signal?: AbortSignal }): Promise<TurnResult>;

  /** Sends a message; resolves once it is durable. */
  send(text: string, options?: SendOptions): Promise<Sent>;

  /** What was recorded, then what is being recorded. Survives nothing: begin again by version. */
  events(options?: EventsOptions): AsyncIterable<SessionRecord>;

  /** The present state, read-only. */
  state(): Promise<SessionState>;

  /** The present state in a word. */
  status(): Promise<SessionStatus>;

  /** Asks the agent to end its turn. Resolves once that is durable. */
  interrupt(): Promise<void>;

  /** Ends the session after everything that was sent is answered; resolves once it has ended. */
  close(options?: CloseOptions): Promise<void>;

  /** Ends the session at once: waiting messages are discarded. Resolves once it has ended. */
  stop(options?: CloseOptions): Promise<void>;

  /** Starts runs again after the session was parked and the cause is mended. */
  unpark(): Promise<void>;

  /**
   * Erases the session, which must have ended: its events, workspace and dead letters, and the
   * agent's transcripts. A tombstone with the sums stays, and the id is spent. Resolves once nothing
   * is left. Throws `SESSION_OPEN`. What was done at the board stays there, as does a fork's own copy.
   */
  erase(options?: EraseOptions): Promise<void>;

  /**
   * Says that what the session has where it lies is gone for good, or was brought elsewhere: a run
   * that nobody can look for is lost, and any orchestrator may take the session over, with the folders
   * that it finds. Where that run lives after all, there are then two: say it of a host only once it
   * is certain. Nothing happens where the session is bound to no place. `by` says who, for the record.
   */
  abandonSite(options?: { readonly by?: string }): Promise<void>;

  /** Lets the session cost more, in US dollars; null for no cap. */
  raiseBudget(capUsd: number | null): Promise<void>;

  /** What waits for a person: operations and uses of tools to allow, and questions to answer. */
  approvals(): Promise<readonly Approval[]>;

  /**
   * Allows an operation or the use of a tool. `by` says who did, for the record. False where it does
   * not wait any more. Rejects with `ANSWER_NEEDED` for a question.
   */
  grant(operationId: OperationId, options?: { readonly by?: string }): Promise<boolean>;

  /** Refuses it; the agent is told the reason. False where it does not wait any more. */
  deny(
    operationId: OperationId,
    options?: { readonly by?: string; readonly reason?: string },
  ): Promise<boolean>;

  /**
   * Answers a question that the agent asked of people. False where it does not wait any more. Rejects
   * with `NOT_A_QUESTION` for what takes a yes or a no.
   */
  answer(
    operationId: OperationId,
    text: string,
    options?: { readonly by?: string },
  ): Promise<boolean>;

  /** The operations that were given up. */
  deadLetters(): Promise<readonly Operation[]>;

  /** Tries an operation again that was given up, under the same key. */
  redrive(operationId: OperationId): Promise<void>;

  /**
   * Does what a word asked for that could not be read when it came (a dead letter of the mailbox), and
   * that was mended since: once, for the life of the store, under the key that it would have had.
   * `by` says who mended it, for the record. Rejects with `WORD_NOT_REJECTED` where the log knows no
   * such word, and with `WORD_IS_PAST` for a word that is no operation at the board.
   */
  redriveWord(
    place: { readonly runId: RunId; readonly seq: number },
    word: AgentWord,
    options?: { readonly by?: string },
  ): Promise<void>;

  /**
   * A new session that goes on from the end of a turn of this one, with the same memory. By default
   * from the newest turn, with this session's agent, scope and policy.
   */
  fork(options: ForkOptions): Promise<SessionHandle>;
}

/** What a handle needs. */
export interface HandleParts {
  readonly ids: Ids;
  readonly loop: (id: SessionId) => Promise<SessionLoop>;
  readonly reader: StreamReader;
  /** Owns the session here, where there is room for it and nobody else does. */
  readonly take: (id: SessionId) => Promise<void>;
  readonly fork: (options: OpenOptions, from: Fork) => Promise<SessionHandle>;
}

/** The handle of a session. */
export function sessionHandle(id: SessionId, parts: HandleParts): SessionHandle {
  const submit = async (
    command: SessionCommand,
    options?: { readonly onceAs?: string },
  ): Promise<Reply> => (await parts.loop(id)).submit(command, options);

  /** Whether this was decided now and by this command, not by the deadline just before it. */
  const decides = async (
    command: Extract<SessionCommand, { readonly type: "DecideApproval" | "AnswerQuestion" }>,
  ): Promise<boolean> => {
    const { events: recorded } = await submit(command);
    return recorded.some(
      ({ type, data }) =>
        (type === "ApprovalGranted" || type === "ApprovalDenied" || type === "PersonAnswered") &&
        data.operationId === command.operationId &&
        data.by === command.by,
    );
  };

  const events = (options: EventsOptions = {}): AsyncIterable<SessionRecord> => {
    const { after = 0, until, signal } = options;
    const done = async (): Promise<boolean> => {
      if (until === undefined) return false;
      const { state } = await parts.loop(id);
      return until === "idle"
        ? isIdle(state) || state.life.type === "ended"
        : state.life.type === "ended";
    };
    return parts.reader.read(id, { after, done, ...(signal === undefined ? {} : { signal }) });
  };

  const send = async (text: string, options: SendOptions = {}): Promise<Sent> => {
    if (typeof text !== "string" || text === "") throw new TypeError("A message needs a text.");
    const { idempotencyKey: key, from = null } = options;
    const messageId = key === undefined ? parts.ids.uuid() : idOfKey(key);
    const command = { type: "SendMessage", messageId, text, from } as const;
    const reply = await submit(
      command,
      key === undefined ? {} : { onceAs: `message:${messageId}` },
    );
    return { messageId, repeated: reply.repeated || reply.events.length === 0 };
  };

  const end = async (outcome: "closed" | "stopped", options: CloseOptions): Promise<void> => {
    const { idempotencyKey: key, signal } = options;
    const once = key === undefined ? {} : { onceAs: `end:${idOfKey(key)}` };
    const { repeated } = await submit({ type: "CloseSession", outcome }, once);
    // Who opened it again since does not want to see it end.
    if (repeated && (await parts.loop(id)).state.life.type !== "closing") return;
    for await (const _ of events({ until: "ended", ...(signal === undefined ? {} : { signal }) })) {
      // Nothing to do with the events: their end is what is waited for.
    }
  };

  return {
    id,
    send,
    events,
    async ask(text, options = {}) {
      const { signal } = options;
      const before = (await parts.loop(id)).state.version;
      const { messageId, repeated } = await send(text, options);
      const { state } = await parts.loop(id);
      if (state.messages.has(messageId)) assertGoesOn(state, messageId);
      const after = repeated ? 0 : before;
      const watched = events({ after, ...(signal === undefined ? {} : { signal }) });
      for await (const event of watched) {
        const result = answerIn(event, id, messageId);
        if (result !== null) return result;
        // What a repeat finds in the past (a park that is long over) says nothing about today.
        if (event.version > before) assertNotHeld(event, id, messageId);
      }
      throw (
        signal?.reason ??
        new WaybillError("DETACHED", `Session ${id} was left before the answer came.`)
      );
    },
    async state() {
      return (await parts.loop(id)).state;
    },
    async status() {
      return statusOf((await parts.loop(id)).state);
    },
    async interrupt() {
      await submit({ type: "InterruptTurn" });
    },
    close: (options = {}) => end("closed", options),
    stop: (options = {}) => end("stopped", options),
    async unpark() {
      await submit({ type: "Unpark" });
    },
    async erase({ by = "api", signal } = {}) {
      await submit({ type: "EraseSession", by });
      await parts.take(id);
      const done = async (): Promise<boolean> =>
        (await parts.loop(id)).state.life.type === "erased";
      const after = (await parts.loop(id)).state.version;
      const heard = parts.reader.read(id, { after, done, ...(signal ? { signal } : {}) });
      for await (const _ of heard) {
        // Nothing to do with the events: their end is what is waited for.
      }
    },
    async abandonSite({ by = "api" } = {}) {
      await submit({ type: "AbandonSite", by });
      await parts.take(id);
    },
    async raiseBudget(capUsd) {
      await submit({ type: "RaiseBudget", capUsd });
    },
    async approvals() {
      return askedOfPeople((await parts.loop(id)).state);
    },
    async grant(operationId, { by = "api" } = {}) {
      return decides({ type: "DecideApproval", operationId, granted: true, by, reason: "" });
    },
    async deny(operationId, { by = "api", reason = "It was refused." } = {}) {
      return decides({ type: "DecideApproval", operationId, granted: false, by, reason });
    },
    async answer(operationId, text, { by = "api" } = {}) {
      if (typeof text !== "string" || text === "") throw new TypeError("An answer needs a text.");
      return decides({ type: "AnswerQuestion", operationId, text, by });
    },
    async deadLetters() {
      return [...(await parts.loop(id)).state.deadLetters.values()];
    },
    async redrive(operationId) {
      await submit({ type: "RedriveOperation", operationId });
    },
    async redriveWord({ runId, seq }, word, { by = "api" } = {}) {
      const operation = operationIn(word, `${id}/${runId}/${seq}`);
      await assertRejected(parts.reader, id, { runId, seq });
      const command = { type: "RedriveWord", runId, seq, operation, by } as const;
      await submit(command, { onceAs: `word:${runId}/${seq}` });
    },
    async fork(options) {
      const { state } = await parts.loop(id);
      const from = await forkPoint(parts.reader, state, options.turn);
      const { agent, scope, policy, tenant } = state;
      const { id: child, priority = state.priority } = options;
      const given = { id: child, agent: agent.slug, scope, policy, priority };
      return parts.fork({ ...given, ...(tenant === null ? {} : { tenant }) }, from);
    },
  };
}

/** A key may be any text; an id may not. */
function idOfKey(key: string): MessageId {
  return `k-${createHash("sha256").update(key).digest("base64url").slice(0, 32)}`;
}
