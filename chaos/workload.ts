import type { ChaosOptions } from "./options.ts";

/** One session's part: everything about it follows from its number. */
export interface Part {
  readonly session: string;
  readonly chat: string;
  readonly messages: readonly { readonly key: string; readonly text: string }[];
  /** Every content that it posts, in order. */
  readonly contents: readonly string[];
}

/** What all sessions do together. */
export function workload(
  options: Pick<ChaosOptions, "sessions" | "messages" | "operations">,
): readonly Part[] {
  return Array.from({ length: options.sessions }, (_, session) => part(session, options));
}

function part(session: number, options: Pick<ChaosOptions, "messages" | "operations">): Part {
  const chat = `chat-${session}`;
  const contents: string[] = [];
  const messages = Array.from({ length: options.messages }, (_, message) => {
    const steps = Array.from({ length: options.operations }, (_, operation) => {
      const content = `${session}.${message}.${operation}`;
      contents.push(content);
      return [{ ask: { type: "chat.send", chat, content } }, { wait: 20 }];
    });
    return {
      key: `m${message}`,
      text: JSON.stringify({ steps: steps.flat(), reply: `m${message}` }),
    };
  });
  return { session: `session-${session}`, chat, messages, contents };
}
