import type { Instant, MessageId, OperationId } from "../ids.ts";
import type { Mark } from "../ports/agent-word.ts";
import type { Letter } from "../ports/mailbox.ts";
import type { Receipt, TrackerOperation } from "../ports/tracker.ts";
import type { RunExit, Started } from "../ports/transport.ts";
import type { RunTrace } from "./state.ts";

/** Ask for a place among the runs that may live at once. */
export type AdmitEffect = { readonly type: "admit" };
/** Start the run's process. */
export type StartEffect = { readonly type: "start"; readonly run: RunTrace };
/** Renew the run's lease for as long as this process holds the session. */
export type HoldEffect = { readonly type: "hold"; readonly run: RunTrace };
/** Follow the run's process. */
export type WatchEffect = { readonly type: "watch"; readonly run: RunTrace };
/** Give the run its way to the model again, under what the session may cost now. */
export type AttachEffect = {
  readonly type: "attach";
  readonly run: RunTrace;
  readonly capUsd: number | null;
};
/** Take in what the gateway sees of the session's runs. */
export type MeterEffect = { readonly type: "meter"; readonly run: RunTrace };
/** Take in what the run says. */
export type ReceiveEffect = {
  readonly type: "receive";
  readonly run: RunTrace;
  readonly after: Mark;
};
/** Take in what is left of what the run said. */
export type DrainEffect = { readonly type: "drain"; readonly run: RunTrace; readonly after: Mark };
/** Make certain that the run neither lives nor can ever start. */
export type StopEffect = {
  readonly type: "stop";
  readonly run: RunTrace;
  readonly graceMs: number;
};
/** Remove what is left of the run. */
export type RemoveEffect = {
  readonly type: "remove";
  readonly run: RunTrace;
  /** What held the process is out of reach: its own host sweeps it up, should it come back. */
  readonly away?: true;
};
/** Hand a message over. */
export type PutEffect = {
  readonly type: "put";
  readonly run: RunTrace;
  readonly messageId: MessageId;
  readonly letter: Extract<Letter, { readonly type: "message" }>;
};
/** Tell the agent to end its turn. */
export type InterruptEffect = {
  readonly type: "interrupt";
  readonly run: RunTrace;
  readonly letter: Extract<Letter, { readonly type: "interrupt" }>;
};
/** Tell the agent to finish and exit. */
export type DismissEffect = {
  readonly type: "dismiss";
  readonly run: RunTrace;
  readonly letter: Extract<Letter, { readonly type: "close" }>;
};
/** Tell the agent what became of its operation. */
export type AnswerEffect = {
  readonly type: "answer";
  readonly run: RunTrace;
  readonly operationId: OperationId;
  readonly letter: Extract<Letter, { readonly type: "answer" }>;
};
/** Do an operation at the Tracker. */
export type PerformEffect = {
  readonly type: "perform";
  readonly operationId: OperationId;
  readonly attempt: number;
  readonly target: string;
  readonly operation: TrackerOperation;
};
/** Ask the Tracker whether an operation was done. */
export type LookupEffect = {
  readonly type: "lookup";
  readonly operationId: OperationId;
  readonly attempt: number;
  readonly target: string;
  readonly operation: TrackerOperation;
};
/** Ask the host's policy whether the session may do an operation. */
export type AuthoriseEffect = {
  readonly type: "authorise";
  readonly operationId: OperationId;
  readonly target: string;
  readonly operation: TrackerOperation;
};
/** What the host's policy says: yes, no, or that a person has to decide. */
export type Verdict = "allowed" | "forbidden" | "ask";

/** Remove everything that the session left outside of the store. */
export type EraseEffect = { readonly type: "erase" };

/** Something to do in the world. The runtime carries it out; it never decides. */
export type Effect =
  | AdmitEffect
  | StartEffect
  | HoldEffect
  | WatchEffect
  | AttachEffect
  | MeterEffect
  | ReceiveEffect
  | DrainEffect
  | StopEffect
  | RemoveEffect
  | PutEffect
  | InterruptEffect
  | DismissEffect
  | AnswerEffect
  | PerformEffect
  | LookupEffect
  | AuthoriseEffect
  | EraseEffect;

/**
 * How an effect settles. `event`: its success changes the state, so it leaves `pending`. `once`: it
 * changes nothing, so the runtime remembers that it was done until it leaves `pending`, and a
 * restart repeats it. `stream`: it goes on until it is no longer pending.
 */
export function settlesBy(effect: Effect): "event" | "once" | "stream" {
  switch (effect.type) {
    case "attach":
    case "interrupt":
    case "dismiss":
      return "once";
    case "hold":
    case "watch":
    case "meter":
    case "receive":
      return "stream";
    default:
      return "event";
  }
}

/** Effects of one lane are carried out one after the other. */
export function laneOf(effect: Effect, key: string): string {
  switch (effect.type) {
    case "start":
    case "stop":
    case "remove":
      return `run:${effect.run.runId}`;
    case "receive":
    case "drain":
      return `words:${effect.run.runId}`;
    // Before the next message: it is worked on under the newest terms.
    case "attach":
    case "put":
    case "interrupt":
    case "dismiss":
      return `mail:${effect.run.runId}`;
    case "perform":
    case "lookup":
      return `target:${effect.target}`;
    default:
      return key;
  }
}

/** An effect's success, with what it brought. */
export type Success =
  | { readonly effect: StartEffect; readonly value: Started }
  | { readonly effect: StopEffect; readonly value: RunExit | null }
  | { readonly effect: PerformEffect; readonly value: Receipt }
  | { readonly effect: LookupEffect; readonly value: Receipt | null }
  | { readonly effect: AuthoriseEffect; readonly value: Verdict }
  | {
      readonly effect: EraseEffect | DrainEffect | RemoveEffect | PutEffect | AnswerEffect;
      readonly value: null;
    };

/** An outstanding effect, or an instant at which time itself has something to say. */
export type Duty =
  | { readonly key: string; readonly effect: Effect }
  | { readonly key: "tick"; readonly at: Instant };
