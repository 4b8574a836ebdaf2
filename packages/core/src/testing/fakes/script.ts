import type { FakeModelRequest } from "./fake-gateway.ts";
import type { TurnError, TurnOutcome } from "../../ports/agent-word.ts";
import type { AgentOperation } from "../../ports/agent-operation.ts";
import type { TrackerOperation } from "../../ports/tracker.ts";

/** One thing that a fake agent does: in a turn, except for the two that are about its birth. */
export type Step =
  /** Ends the turn. */
  | {
      readonly type: "reply";
      readonly text: string;
      readonly outcome: TurnOutcome;
      readonly costUsd?: number;
    }
  /** Ends the turn as failed. A rate limit ends so many milliseconds later. */
  | { readonly type: "fail"; readonly error: TurnError; readonly resetsInMs: number | null }
  /** Asks the host for something at the board and waits for the answer, with a sign of life every five seconds. */
  | { readonly type: "operation"; readonly operation: AgentOperation }
  /** Asks the model through the world's gateway. Refused, the turn ends as a real agent's does. */
  | { readonly type: "spend"; readonly request: FakeModelRequest }
  /** Takes time, with a sign of life every five seconds. */
  | { readonly type: "work"; readonly ms: number }
  /** Says this many things that make no sense. */
  | { readonly type: "flood"; readonly words: number }
  /** The process ends in mid-turn. 137 is a kill: no exit code is known then. */
  | { readonly type: "exit"; readonly code: number; readonly forgets: boolean }
  /** Says bye in mid-turn and exits with 0. */
  | { readonly type: "leave" }
  /** Nothing more happens in this run, and no sign of life; `deaf` to letters too. */
  | { readonly type: "hang"; readonly deaf: boolean }
  /** The next run ends before its first word. Taken when that run starts. */
  | { readonly type: "stillborn"; readonly code: number }
  /** The next run never says a word. Taken when that run starts. */
  | { readonly type: "mute" };

/** Answers and ends the turn. */
export function reply(
  text: string,
  options: { readonly outcome?: TurnOutcome; readonly costUsd?: number } = {},
): Step {
  const { outcome = "completed", costUsd } = options;
  return { type: "reply", text, outcome, ...(costUsd === undefined ? {} : { costUsd }) };
}

/** Fails the turn. After `transient` and `rate` the host has it tried again, in another run. */
export function fail(
  code: string,
  options: {
    readonly message?: string;
    readonly class?: TurnError["class"];
    /** For `rate`: when the limit ends, from the moment at which the turn fails. */
    readonly resetsIn?: { readonly seconds?: number; readonly minutes?: number };
  } = {},
): Step {
  const { message = "The model could not be asked.", class: kind, resetsIn } = options;
  const error = { code, message, ...(kind === undefined ? {} : { class: kind }) };
  return {
    type: "fail",
    error,
    resetsInMs: resetsIn === undefined ? null : milliseconds(resetsIn),
  };
}

/** Asks for something at the board. */
export function operation(request: AgentOperation): Step {
  return { type: "operation", operation: request };
}

/** Posts to a chat. */
export function chat(id: string, content: string): TrackerOperation {
  return { type: "chat.send", chat: id, content };
}

/** Asks the model through the world's gateway, for so many tokens of input or as said in detail. */
export function spend(request: number | Partial<FakeModelRequest>): Step {
  const asked = typeof request === "number" ? { inputTokens: request } : request;
  const nothing = { inputTokens: 0, outputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0 };
  return { type: "spend", request: { model: "fake", costUsd: null, ...nothing, ...asked } };
}

/** Takes time, and shows life. */
export function work(time: { readonly seconds?: number; readonly minutes?: number }): Step {
  return { type: "work", ms: milliseconds(time) };
}

/** Says things that make no sense. */
export function flood(words: number): Step {
  return { type: "flood", words };
}

/** Ends the process in mid-turn. One that `forgets` loses its transcripts with it. */
export function exit(code: number, options: { readonly forgets?: boolean } = {}): Step {
  return { type: "exit", code, forgets: options.forgets ?? false };
}

/** Leaves in mid-turn, politely. */
export function leave(): Step {
  return { type: "leave" };
}

/** Does nothing more. A deaf one takes no letter either: only a kill ends it. */
export function hang(options: { readonly deaf?: boolean } = {}): Step {
  return { type: "hang", deaf: options.deaf ?? false };
}

/** The next run ends as soon as it is started. */
export function stillborn(code: number): Step {
  return { type: "stillborn", code };
}

/** The next run starts and says nothing. */
export function mute(): Step {
  return { type: "mute" };
}

function milliseconds(time: { readonly seconds?: number; readonly minutes?: number }): number {
  return (time.seconds ?? 0) * 1_000 + (time.minutes ?? 0) * 60_000;
}
