import type { SDKUserMessage } from "@anthropic-ai/claude-agent-sdk";
import type { messageUuid } from "./message-uuid.ts";

/** A message on its way into the SDK. */
export interface FedMessage {
  readonly uuid: ReturnType<typeof messageUuid>;
  readonly text: string;
}

/** Feeds messages to the SDK one at a time. */
export interface MessageFeed {
  /** What `query()` reads; to be taken once. */
  readonly prompts: AsyncIterable<SDKUserMessage>;
  push(message: FedMessage): void;
  /** Says that the SDK has begun with the message, so that the next may go. */
  begun(uuid: string): void;
  /** True while a message waits here or in the SDK's queue. */
  isWaiting(): boolean;
  /** Ends the feed once everything pushed has gone. */
  finish(): void;
  /** Ends the feed at once. */
  drop(): void;
}

/**
 * Makes a feed that hands over a message only when the SDK has begun with the one before. The SDK
 * merges messages that wait together into one entry under the last one's UUID (measured), and then
 * nobody could tell that the transcript holds the others.
 */
export function messageFeed(): MessageFeed {
  const waiting: FedMessage[] = [];
  let inQueue: string | null = null;
  let ending = false;
  let wake = (): void => undefined;
  return {
    prompts: (async function* prompts() {
      for (;;) {
        const next: FedMessage | undefined = inQueue === null ? waiting.shift() : undefined;
        if (next !== undefined) {
          inQueue = next.uuid;
          yield userMessage(next);
        } else if (ending && waiting.length === 0) {
          return;
        } else {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
      }
    })(),
    push(message) {
      waiting.push(message);
      wake();
    },
    begun(uuid) {
      if (inQueue !== uuid) return;
      inQueue = null;
      wake();
    },
    isWaiting: () => inQueue !== null || waiting.length > 0,
    finish() {
      ending = true;
      wake();
    },
    drop() {
      waiting.length = 0;
      ending = true;
      wake();
    },
  };
}

function userMessage({ uuid, text }: FedMessage): SDKUserMessage {
  return {
    type: "user",
    uuid,
    message: { role: "user", content: text },
    parent_tool_use_id: null,
  };
}
