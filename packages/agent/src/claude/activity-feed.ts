import type { SDKMessage } from "@anthropic-ai/claude-agent-sdk";
import type { Activity } from "@waybill/core";
import { toolName, toolSummary } from "./tool-summary.ts";

/** Shows people what the model does. */
export interface ActivityFeed {
  see(message: SDKMessage): void;
  /** Shows what is held back. */
  flush(): void;
}

/** How to show it. */
export interface ActivityFeedOptions {
  readonly show: (activity: Activity) => void;
  /** Pieces of text within this time become one, in milliseconds. Default: 80. */
  readonly coalesceMs?: number;
}

/** Follows the SDK's messages; text comes in pieces of a few words, so pieces are put together. */
export function activityFeed({ show, coalesceMs = 80 }: ActivityFeedOptions): ActivityFeed {
  const running = new Map<string, string>();
  let text = "";
  let timer: NodeJS.Timeout | null = null;

  const flush = (): void => {
    if (timer !== null) clearTimeout(timer);
    timer = null;
    if (text !== "") show({ type: "text", text });
    text = "";
  };
  const showNow = (activity: Activity): void => {
    flush();
    show(activity);
  };

  return {
    flush,
    see(message) {
      if (message.type === "stream_event" && message.parent_tool_use_id === null) {
        const piece = pieceOf(message.event);
        if (piece === null) return;
        text += piece;
        timer ??= setTimeout(flush, coalesceMs);
      } else if (message.type === "assistant") {
        for (const block of message.message.content) {
          if (block.type !== "tool_use") continue;
          const tool = toolName(block.name);
          running.set(block.id, tool);
          showNow({ type: "tool_started", tool, summary: toolSummary(block.input) });
        }
      } else if (message.type === "user") {
        for (const { id, ok } of resultsIn(message.message.content)) {
          showNow({ type: "tool_ended", tool: running.get(id) ?? "tool", ok });
          running.delete(id);
        }
      } else if (message.type === "system" && message.subtype === "status") {
        // Each call of the model begins so, and until its first word nothing else is to be seen.
        if (message.status === "requesting") showNow({ type: "thinking" });
        if (message.status === "compacting") showNow({ type: "compacting" });
      } else if (message.type === "system" && message.subtype === "api_retry") {
        const status = message.error_status === null ? "" : ` (${message.error_status})`;
        showNow({
          type: "retrying",
          reason: `${message.error}${status}`,
          attempt: message.attempt,
        });
      } else if (message.type === "result") {
        running.clear();
        showNow({ type: "idle" });
      }
    },
  };
}

type StreamEvent = Extract<SDKMessage, { type: "stream_event" }>["event"];

/** The text of a streamed piece; null for other events. */
function pieceOf(event: StreamEvent): string | null {
  if (event.type !== "content_block_delta" || event.delta.type !== "text_delta") return null;
  return event.delta.text;
}

type UserContent = Extract<SDKMessage, { type: "user" }>["message"]["content"];

function resultsIn(content: UserContent): readonly { readonly id: string; readonly ok: boolean }[] {
  if (typeof content === "string") return [];
  return content.flatMap((block) =>
    block.type === "tool_result" ? [{ id: block.tool_use_id, ok: block.is_error !== true }] : [],
  );
}
