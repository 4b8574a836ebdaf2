import type { Activity, AgentOperation, AgentWord, Json, JsonObject } from "@waybill/core";

/** A message for the agent. */
export interface HostMessage {
  readonly type: "message";
  readonly id: string;
  readonly text: string;
  /** Who wrote it, where the host says so. */
  readonly from: string | null;
}

/** What a host gives to the agent while it runs. */
export type HostLetter =
  | HostMessage
  /** End the named turn early, if it is still going on. */
  | { readonly type: "interrupt"; readonly turn: string }
  /** Finish what is in hand, then end. */
  | { readonly type: "close" };

/** What became of an operation, as far as the host can say. */
export interface OperationOutcome {
  /** `handed_over`: an old host took it and never says what became of it. */
  readonly status: "delivered" | "rejected" | "abandoned" | "handed_over";
  readonly data?: Json;
  readonly error?: { readonly code: string; readonly message: string };
}

/** What the host said when it started the agent. */
export interface AgentStart {
  readonly protocol: 0 | 1;
  readonly agent: { readonly slug: string; readonly name: string };
  /** The conversation to begin or to go on with. */
  readonly conversation: {
    readonly id: string;
    readonly resume: boolean;
    /** Where it begins as a fork: the other conversation, and the place in its transcript. */
    readonly fork?: { readonly conversation: string; readonly transcript: string };
  };
  /** Messages that earlier runs took and did not finish. */
  readonly unsettled: readonly string[];
  readonly config: JsonObject;
  /** An old host's keys, by the names of their environment variables; empty in protocol 1. */
  readonly secrets: Readonly<Record<string, string>>;
}

/** How a turn ended. */
export type TurnEnd = Omit<Extract<AgentWord, { type: "turn_ended" }>, "type" | "conversation">;

/** How the conversation was found. */
export interface Hello {
  readonly agent: string;
  readonly context: "fresh" | "resumed" | "lost";
  /** Those of `start.unsettled` that the conversation has. */
  readonly holds: readonly string[];
}

/**
 * The agent's side of a host, whichever protocol it speaks. Words resolve once they are where the
 * host is sure to find them, and arrive in the order of the calls. Nothing here knows the model.
 */
export interface AgentHost {
  readonly start: AgentStart;
  /** Must come first. */
  hello(word: Hello): Promise<void>;
  /** Messages in order and each once, interrupts at once; ends after the close. */
  letters(): AsyncIterable<HostLetter>;
  accepted(turn: string, message: string): Promise<void>;
  turnEnded(word: TurnEnd): Promise<void>;
  /** Asks for something, at the Tracker or of a person, and waits for what the host says of it. */
  operation(
    operation: AgentOperation,
    options: { readonly signal?: AbortSignal },
  ): Promise<OperationOutcome>;
  activity(activity: Activity): void;
  /** The last word; resolves once everything is written. */
  bye(): Promise<void>;
  /** Lets go without a word. */
  close(): void;
}
