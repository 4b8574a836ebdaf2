import { randomUUID } from "node:crypto";
import type { JsonObject } from "@waybill/core";
import type { PlayedPart } from "./played-part.ts";
import { isFault } from "./script-line.ts";
import type { Fault } from "./script-line.ts";

/** Tokens as the Messages API names them. */
export interface TokenCounts {
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly cache_read_input_tokens: number;
  readonly cache_creation_input_tokens: number;
}

/** A step of a streamed answer: an event to send, or something else to do in its place. */
export type StreamStep =
  | { readonly type: "event"; readonly name: string; readonly data: JsonObject }
  | { readonly type: "wait"; readonly ms: number }
  | Fault;

/**
 * The answer as the server-sent events of the streaming Messages API
 * (https://docs.anthropic.com/en/docs/build-with-claude/streaming), with its pauses and breaks.
 */
export function replyStream(
  model: string,
  parts: readonly PlayedPart[],
  tokens: TokenCounts,
): readonly StreamStep[] {
  const steps: StreamStep[] = [event("message_start", { message: envelope(model, tokens) })];
  let index = 0;
  let pace = 0;
  for (const part of parts) {
    if (part.type === "wait" || isFault(part)) steps.push(part);
    if (part.type === "pace") pace = part.ms;
    const block = blockOf(part);
    if (block === null) continue;
    steps.push(event("content_block_start", { index, content_block: block.start }));
    for (const delta of block.deltas) {
      steps.push(event("content_block_delta", { index, delta }));
      if (pace > 0) steps.push({ type: "wait", ms: pace });
    }
    steps.push(event("content_block_stop", { index }));
    index += 1;
  }
  steps.push(
    event("message_delta", {
      delta: { stop_reason: stopReason(parts), stop_sequence: null },
      usage: { ...tokens },
    }),
    event("message_stop", {}),
  );
  return steps;
}

/** The answer as one JSON object, for a request that does not stream. */
export function replyMessage(
  model: string,
  parts: readonly PlayedPart[],
  tokens: TokenCounts,
): JsonObject {
  const content = parts.flatMap((part): JsonObject[] => {
    if (part.type === "say") return [{ type: "text", text: part.text }];
    if (part.type === "think")
      return [{ type: "thinking", thinking: part.text, signature: SIGNATURE }];
    if (part.type === "tool") {
      return [{ type: "tool_use", id: toolUseId(), name: part.name, input: part.input }];
    }
    return [];
  });
  return {
    ...envelope(model, tokens),
    content,
    stop_reason: stopReason(parts),
    usage: { ...tokens },
  };
}

/** Nobody checks it offline; the API wants one with each thinking block. */
const SIGNATURE = "c2NyaXB0ZWQgbW9kZWw=";

function blockOf(
  part: PlayedPart,
): { readonly start: JsonObject; readonly deltas: readonly JsonObject[] } | null {
  if (part.type === "say") {
    return {
      start: { type: "text", text: "" },
      deltas: pieces(part.text).map((text) => ({ type: "text_delta", text })),
    };
  }
  if (part.type === "think") {
    return {
      start: { type: "thinking", thinking: "", signature: "" },
      deltas: [
        ...pieces(part.text).map((thinking) => ({ type: "thinking_delta", thinking })),
        { type: "signature_delta", signature: SIGNATURE },
      ],
    };
  }
  if (part.type === "tool") {
    return {
      start: { type: "tool_use", id: toolUseId(), name: part.name, input: {} },
      deltas: pieces(JSON.stringify(part.input)).map((partial_json) => ({
        type: "input_json_delta",
        partial_json,
      })),
    };
  }
  return null;
}

/** A text in about the pieces that a real model streams: a few words each. */
function pieces(text: string): readonly string[] {
  return text.match(/[\s\S]{1,24}/gu) ?? [];
}

function toolUseId(): string {
  return `toolu_${randomUUID().replaceAll("-", "").slice(0, 24)}`;
}

function stopReason(parts: readonly PlayedPart[]): string {
  return parts.some((part) => part.type === "tool") ? "tool_use" : "end_turn";
}

function envelope(model: string, tokens: TokenCounts): JsonObject {
  return {
    id: `msg_${randomUUID().replaceAll("-", "").slice(0, 24)}`,
    type: "message",
    role: "assistant",
    model,
    content: [],
    stop_reason: null,
    stop_sequence: null,
    usage: { ...tokens, output_tokens: 1 },
  };
}

function event(name: string, data: JsonObject): StreamStep {
  return { type: "event", name, data: { type: name, ...data } };
}
