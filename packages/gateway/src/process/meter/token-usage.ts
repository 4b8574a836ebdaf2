import type { ModelPrice } from "../../way-spec.ts";
import { isCount, isRecord } from "../shapes.ts";

/** Tokens of one request, by what they cost. */
export interface TokenUsage {
  readonly input: number;
  readonly output: number;
  readonly cacheRead: number;
  /** Of both durations. */
  readonly cacheWrite: number;
  /** Those among `cacheWrite` that are kept for an hour. */
  readonly cacheWriteHour: number;
}

/** Nothing so far. */
export const NO_TOKENS: TokenUsage = {
  input: 0,
  output: 0,
  cacheRead: 0,
  cacheWrite: 0,
  cacheWriteHour: 0,
};

/**
 * What is known after one more `usage` object of the Messages API. In a stream each figure is a sum
 * so far, and a later object may leave some out: a figure only grows.
 */
export function afterUsage(known: TokenUsage, said: unknown): TokenUsage {
  if (!isRecord(said)) return known;
  const hour = isRecord(said["cache_creation"]) ? said["cache_creation"] : {};
  const grown = (before: number, value: unknown): number =>
    isCount(value) ? Math.max(before, value) : before;
  return {
    input: grown(known.input, said["input_tokens"]),
    output: grown(known.output, said["output_tokens"]),
    cacheRead: grown(known.cacheRead, said["cache_read_input_tokens"]),
    cacheWrite: grown(known.cacheWrite, said["cache_creation_input_tokens"]),
    cacheWriteHour: grown(known.cacheWriteHour, hour["ephemeral_1h_input_tokens"]),
  };
}

/** All of them. */
export function tokensOf(usage: TokenUsage): number {
  return usage.input + usage.output + usage.cacheRead + usage.cacheWrite;
}

/** US dollars, at prices per million tokens; null without a price. */
export function costOf(usage: TokenUsage, price: ModelPrice | undefined): number | null {
  if (price === undefined) return null;
  const { input, output, cacheRead, cacheWrite, cacheWriteHour } = usage;
  const hour = Math.min(cacheWriteHour, cacheWrite);
  const sum =
    input * price.input +
    output * price.output +
    cacheRead * price.cacheRead +
    (cacheWrite - hour) * price.cacheWrite +
    hour * (price.cacheWriteHour ?? price.cacheWrite);
  return sum / 1_000_000;
}
