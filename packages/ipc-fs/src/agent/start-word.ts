import { WaybillError } from "@waybill/core";
import type { JsonObject } from "@waybill/core";

/** What a protocol-1 host says first: the whole of standard input. */
export interface StartWord {
  readonly protocol: 1;
  readonly session: string;
  readonly run: string;
  readonly agent: { readonly slug: string; readonly name: string };
  /** The conversation to begin or, where `resume` is true, to go on with. */
  readonly conversation: {
    readonly id: string;
    readonly resume: boolean;
    /**
     * Where it begins as a fork: the state folder holds a copy of this other conversation, which is
     * gone on with under the new id from the place that a `turn_ended` called its transcript.
     */
    readonly fork?: { readonly conversation: string; readonly transcript: string };
  };
  /** Messages that earlier runs took and did not finish: `hello` names those that the transcript has. */
  readonly unsettled: readonly string[];
  /** The agent's own configuration, as the host's user wrote it. */
  readonly config: JsonObject;
  readonly limits: {
    /** The largest file that the host reads, in bytes. */
    readonly fileBytes: number;
    /** How many words may lie in the outbox before the agent waits. */
    readonly unacknowledged: number;
  };
}

/** What a protocol-0 host says first. Such a host has no mailbox: see docs/protocol.md. */
export interface OldStartWord {
  readonly protocol: 0;
  readonly prompt: string;
  readonly sessionId: string | null;
  readonly agentSlug: string;
  readonly agentName: string;
  readonly secrets: Readonly<Record<string, string>>;
}

/**
 * Reads the standard input of a run and tells which protocol its host speaks. An object with
 * `prompt` and without `protocol` is a protocol-0 host's. Throws `START_UNREADABLE` for anything
 * that is neither, and `PROTOCOL_UNKNOWN` for a protocol from the future.
 */
export function readStart(text: string): StartWord | OldStartWord {
  const word = parseObject(text);
  if (word["protocol"] === undefined && typeof word["prompt"] === "string") {
    return oldStart(word, word["prompt"]);
  }
  if (word["protocol"] !== 1) {
    throw new WaybillError(
      "PROTOCOL_UNKNOWN",
      `The host speaks protocol ${JSON.stringify(word["protocol"])}; this agent speaks 0 and 1. Use an agent image that fits the host.`,
      { details: { protocol: word["protocol"] } },
    );
  }
  const agent = object(word, "agent");
  const conversation = object(word, "conversation");
  const limits = object(word, "limits");
  return {
    protocol: 1,
    session: string(word, "session"),
    run: string(word, "run"),
    agent: { slug: string(agent, "slug"), name: string(agent, "name") },
    conversation: {
      id: string(conversation, "id"),
      resume: conversation["resume"] === true,
      ...forkOf(conversation),
    },
    unsettled: strings(word, "unsettled"),
    config: object(word, "config"),
    limits: {
      fileBytes: positive(limits, "fileBytes"),
      unacknowledged: positive(limits, "unacknowledged"),
    },
  };
}

function forkOf(conversation: JsonObject): Pick<StartWord["conversation"], "fork"> {
  if (conversation["fork"] === undefined) return {};
  const fork = object(conversation, "fork");
  return {
    fork: { conversation: string(fork, "conversation"), transcript: string(fork, "transcript") },
  };
}

function oldStart(word: JsonObject, prompt: string): OldStartWord {
  const { sessionId, agentSlug, agentName, secrets } = word;
  return {
    protocol: 0,
    prompt,
    sessionId: typeof sessionId === "string" ? sessionId : null,
    agentSlug: typeof agentSlug === "string" ? agentSlug : "",
    agentName: typeof agentName === "string" ? agentName : "",
    secrets: isObject(secrets)
      ? Object.fromEntries(
          Object.entries(secrets).flatMap(([name, value]) =>
            typeof value === "string" ? [[name, value]] : [],
          ),
        )
      : {},
  };
}

function parseObject(text: string): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw unreadable("it is not JSON", error);
  }
  if (!isObject(value)) {
    throw unreadable("it is not a JSON object");
  }
  return value;
}

function object(from: JsonObject, name: string): JsonObject {
  const value = from[name];
  if (!isObject(value)) {
    throw unreadable(`its field "${name}" is no object`);
  }
  return value;
}

function string(from: JsonObject, name: string): string {
  const value = from[name];
  if (typeof value !== "string") {
    throw unreadable(`its field "${name}" is no string`);
  }
  return value;
}

function strings(from: JsonObject, name: string): readonly string[] {
  const value: unknown = from[name];
  if (!Array.isArray(value) || !value.every((item) => typeof item === "string")) {
    throw unreadable(`its field "${name}" is no list of strings`);
  }
  return value;
}

function positive(from: JsonObject, name: string): number {
  const value = from[name];
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 1) {
    throw unreadable(`its field "${name}" is no positive integer`);
  }
  return value;
}

/** What `JSON.parse` gave for an object is a `JsonObject` by construction. */
function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function unreadable(reason: string, cause?: unknown): WaybillError {
  return new WaybillError(
    "START_UNREADABLE",
    `The start word on standard input cannot be read: ${reason}. Start this program through Waybill, or write the start word of docs/protocol.md to its standard input and close it.`,
    { cause },
  );
}
