import type { LoggedRequest, ScriptedModel } from "../src/testing/index.ts";

interface Block {
  readonly type: string;
  readonly text?: string;
  readonly content?: unknown;
}

/** The calls of one conversation. */
export function requestsOf(model: ScriptedModel, conversation: string): readonly LoggedRequest[] {
  return model.requests.filter((request) => request.session === conversation);
}

/** What the model was last shown: the texts of people, its own, and what tools gave. */
export function lastRequest(
  model: ScriptedModel,
  conversation: string,
): {
  readonly texts: readonly string[];
  readonly results: readonly string[];
  readonly said: readonly string[];
  /** The tools that it was offered. */
  readonly tools: readonly string[];
} {
  const body = requestsOf(model, conversation).at(-1)?.body as {
    messages: { role: string; content: string | Block[] }[];
    tools: { name: string }[];
  };
  const blocks = body.messages.flatMap(({ role, content }) =>
    (typeof content === "string" ? [{ type: "text", text: content }] : content).map((block) => ({
      role,
      ...block,
    })),
  );
  return {
    tools: body.tools.map(({ name }) => name),
    texts: blocks.flatMap((block) =>
      block.type === "text" && block.role !== "assistant" ? [(block.text ?? "").trim()] : [],
    ),
    said: blocks.flatMap((block) =>
      block.type === "text" && block.role === "assistant" ? [block.text ?? ""] : [],
    ),
    results: blocks.flatMap((block) => (block.type === "tool_result" ? [flat(block.content)] : [])),
  };
}

function flat(content: unknown): string {
  if (typeof content === "string") return content;
  return (content as Block[]).map((part) => part.text ?? "").join("\n");
}
