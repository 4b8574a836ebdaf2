import type { SDKMessage, SDKResultMessage } from "@anthropic-ai/claude-agent-sdk";
import { z } from "zod";
import type { SessionEvent } from "../session/model-session.ts";
import { turnEnd } from "./turn-end.ts";

/** What a turn tracker needs to know. */
export interface TurnTrackerOptions {
  /** The message's id behind a UUID; undefined for a UUID of something else. */
  readonly messageOf: (uuid: string) => string | undefined;
  /** The conversation's cost in US dollars, where the SDK's own total is this. */
  readonly cost: (sdkTotalUsd: number) => number;
}

/** Follows turns through what the SDK says. */
export interface TurnTracker {
  /** What happened by this message of the SDK, in the host's words. */
  see(message: SDKMessage): readonly SessionEvent[];
  /** The turn that is going on. */
  current(): string | null;
  /** The UUIDs of the messages that it has. */
  currentMessages(): readonly string[];
  /** Begins no more turns; the one that is going on goes on. */
  stop(): void;
  /** Ends the turn that is going on, where the SDK will not. */
  abandon(): readonly SessionEvent[];
}

interface OpenTurn {
  readonly name: string;
  readonly uuids: string[];
  /** What the newest message that says anything says; the SDK hands over block by block. */
  text: string;
  /** That message's id. */
  from: string | null;
  transcript: string | null;
}

/** Undeclared by the SDK, but announced by its capability `msg_lifecycle_v1`. */
const lifecycle = z.object({
  type: z.literal("command_lifecycle"),
  command_uuid: z.string(),
  state: z.string(),
});

/** A tracker for one run: its turns are named t1, t2 and so on. */
export function turnTracker(options: TurnTrackerOptions): TurnTracker {
  const accepted = new Set<string>();
  let turns = 0;
  let open: OpenTurn | null = null;
  let stopped = false;
  let resetsAt: number | null = null;

  const begin = (): OpenTurn => {
    turns += 1;
    return { name: `t${turns}`, uuids: [], text: "", from: null, transcript: null };
  };

  const accept = (uuid: string): readonly SessionEvent[] => {
    const message = options.messageOf(uuid);
    if (message === undefined || accepted.has(uuid) || (stopped && open === null)) return [];
    accepted.add(uuid);
    open ??= begin();
    open.uuids.push(uuid);
    return [{ type: "accepted", turn: open.name, message }];
  };

  /** The SDK is done with a message that it never began; it must not wait for ever. */
  const dismiss = (uuid: string): readonly SessionEvent[] => {
    // Dropped by a stop: the next run gets it.
    if (stopped) return [];
    const wasIdle = open === null;
    const taken = accept(uuid);
    if (taken.length === 0 || !wasIdle) return taken;
    const ended = closeOpen("failed");
    const error = {
      code: "MESSAGE_NOT_TAKEN",
      message: "The model's program dropped the message.",
    };
    return [...taken, ...ended.map((event) => ({ ...event, error }))];
  };

  const closeOpen = (outcome: "failed" | "interrupted"): readonly SessionEvent[] => {
    if (open === null) return [];
    const { name: turn, text, transcript } = open;
    open = null;
    return [
      { type: "turn_ended", turn, outcome, text, ...(transcript === null ? {} : { transcript }) },
    ];
  };

  const end = (result: SDKResultMessage): readonly SessionEvent[] => {
    if (stopped && open === null) return [];
    const costUsd = options.cost(result.total_cost_usd);
    const late = (result.user_message_uuids ?? []).flatMap(accept);
    // A turn that no message began (what a tool left behind woke the model) is told all the same.
    const turn = open ?? begin();
    open = null;
    const told = turnEnd(result, { ...turn, turn: turn.name, costUsd, resetsAt });
    resetsAt = null;
    return [...late, { type: "turn_ended", ...told }];
  };

  return {
    see(message) {
      const step = lifecycle.safeParse(message);
      if (step.success) {
        const { state, command_uuid: uuid } = step.data;
        if (state === "started") return accept(uuid);
        return state === "queued" ? [] : dismiss(uuid);
      }
      if (message.type === "rate_limit_event") resetsAt = limitIn(message);
      if (message.type === "result") return isStartupFailure(message) ? [] : end(message);
      if (open !== null && isOfMainThread(message)) {
        open.transcript = message.uuid ?? open.transcript;
        // What the SDK itself says of an error is no word of the model's.
        if (message.type === "assistant" && message.error === undefined) {
          addText(open, message.message.id, saidIn(message));
        }
      }
      return [];
    },
    current: () => open?.name ?? null,
    currentMessages: () => open?.uuids ?? [],
    stop() {
      stopped = true;
    },
    abandon: () => closeOpen("interrupted"),
  };
}

/** A result of a program that never began; its iterator throws right after. */
function isStartupFailure(result: SDKResultMessage): boolean {
  return result.is_error && result.num_turns === 0 && result.user_message_uuids === undefined;
}

/** When the limit ends, in milliseconds since 1970; null where none is met. */
function limitIn({ rate_limit_info: info }: Extract<SDKMessage, { type: "rate_limit_event" }>) {
  return info.status === "rejected" && info.resetsAt !== undefined ? info.resetsAt * 1_000 : null;
}

function isOfMainThread(
  message: SDKMessage,
): message is Extract<SDKMessage, { type: "assistant" | "user" }> {
  return (
    (message.type === "assistant" || message.type === "user") && message.parent_tool_use_id === null
  );
}

function addText(turn: OpenTurn, id: string, text: string): void {
  if (text === "") return;
  const isSame = turn.from === id;
  turn.text = isSame ? `${turn.text}\n\n${text}` : text;
  turn.from = id;
}

function saidIn(message: Extract<SDKMessage, { type: "assistant" }>): string {
  return message.message.content
    .map((block) => (block.type === "text" ? block.text : ""))
    .join("\n")
    .trim();
}
