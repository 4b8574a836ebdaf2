import type { Attributes } from "@opentelemetry/api";
import type { Usage } from "../ports/agent-word.ts";
import type { Session } from "../session/state.ts";

/** Whose work it is, by the names of OpenTelemetry's conventions for generative AI. */
export function agentAttributes({ agent }: Pick<Session, "agent">): Attributes {
  return { "gen_ai.agent.id": agent.slug, "gen_ai.agent.name": agent.name };
}

/** What a turn used, by the names of the same conventions: input counts what caches gave, too. */
export function usageAttributes(usage: Usage): Attributes {
  const { inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens } = usage;
  return {
    "gen_ai.usage.input_tokens": inputTokens + cacheReadTokens + cacheWriteTokens,
    "gen_ai.usage.output_tokens": outputTokens,
    "gen_ai.usage.cache_read.input_tokens": cacheReadTokens,
    "gen_ai.usage.cache_creation.input_tokens": cacheWriteTokens,
  };
}
