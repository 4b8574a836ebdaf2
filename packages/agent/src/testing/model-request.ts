import { z } from "zod";

/** A block of a message, as far as a script needs it. */
export type ModelBlock =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "tool_use"; readonly name: string }
  | { readonly type: "tool_result"; readonly texts: readonly string[] }
  | { readonly type: "other" };

/** One message of the conversation; its content is always a list of blocks. */
export interface ModelMessage {
  readonly role: string;
  readonly content: readonly ModelBlock[];
}

/** A call of the Messages API, as far as a script needs it. */
export interface ModelRequest {
  readonly model: string;
  readonly messages: readonly ModelMessage[];
  readonly stream: boolean;
  /** The names of the tools that the request offers. */
  readonly tools: readonly string[];
  /** The caller's mark of its user and session. */
  readonly userId: string | null;
}

const textBlock = z.object({ type: z.literal("text"), text: z.string() });

const block: z.ZodType<ModelBlock> = z.union([
  textBlock,
  z.object({ type: z.literal("tool_use"), name: z.string() }),
  z
    .object({ type: z.literal("tool_result"), content: z.unknown() })
    .transform(({ content }) => ({ type: "tool_result" as const, texts: textsIn(content) })),
  z.object({ type: z.string() }).transform(() => ({ type: "other" as const })),
]);

const modelRequest: z.ZodType<ModelRequest> = z
  .object({
    model: z.string(),
    messages: z.array(
      z.object({
        role: z.string(),
        content: z.preprocess(
          (content) => (typeof content === "string" ? [{ type: "text", text: content }] : content),
          z.array(block),
        ),
      }),
    ),
    stream: z.boolean().default(false),
    tools: z.array(z.object({ name: z.string() })).default([]),
    metadata: z.object({ user_id: z.string().optional() }).default({}),
  })
  .transform(({ tools, metadata, ...request }) => ({
    ...request,
    tools: tools.map((tool) => tool.name),
    userId: metadata.user_id ?? null,
  }));

/** Reads a request's body. A body that is none gives null, and the API's own 400. */
export function readModelRequest(body: unknown): ModelRequest | null {
  const read = modelRequest.safeParse(body);
  return read.success ? read.data : null;
}

/** The texts of a message, without what its tools gave. */
export function textsOf(message: ModelMessage): readonly string[] {
  return message.content.flatMap((part) => (part.type === "text" ? [part.text] : []));
}

/** The texts that the tools of a message gave. */
export function resultsOf(message: ModelMessage): readonly string[] {
  return message.content.flatMap((part) => (part.type === "tool_result" ? part.texts : []));
}

function textsIn(content: unknown): readonly string[] {
  if (typeof content === "string") return [content];
  if (!Array.isArray(content)) return [];
  return content.flatMap((part: unknown) => {
    const read = textBlock.safeParse(part);
    return read.success ? [read.data.text] : [];
  });
}
