import type { PlayedPart } from "./played-part.ts";
import type { TokenCounts } from "./reply-stream.ts";

/** Tokens as a rule of thumb has them, four characters each, unless the script's `usage` says more. */
export function tokensOf(body: unknown, parts: readonly PlayedPart[]): TokenCounts {
  const said = parts.flatMap((part) => {
    if (part.type === "say" || part.type === "think") return [part.text];
    return part.type === "tool" ? [JSON.stringify(part.input)] : [];
  });
  const told: Readonly<Record<string, number>> = Object.assign(
    {},
    ...parts.map((part) => (part.type === "usage" ? part.tokens : {})),
  );
  return {
    input_tokens: told["input"] ?? inputTokens(body),
    output_tokens: told["output"] ?? quarter(said.join("").length),
    cache_read_input_tokens: told["cache-read"] ?? 0,
    cache_creation_input_tokens: told["cache-write"] ?? 0,
  };
}

/** Tokens of a request's body. */
export function inputTokens(body: unknown): number {
  return quarter(JSON.stringify(body ?? null).length);
}

function quarter(characters: number): number {
  return Math.max(1, Math.ceil(characters / 4));
}
