import type { IncomingMessage } from "node:http";
import { readSseUsage } from "./sse-usage.ts";
import { NO_TOKENS, afterUsage } from "./token-usage.ts";
import type { TokenUsage } from "./token-usage.ts";
import { scanTopLevel } from "./top-level-scan.ts";

const USAGE_BYTES = 16_384;

/** What an answer says of its cost, read as it passes. */
export interface AnswerMeter {
  take(chunk: Buffer): void;
  readonly usage: TokenUsage;
  /** It has said something. */
  readonly isKnown: boolean;
  /** It has said everything. */
  readonly isFinal: boolean;
}

/** Reads an answer by its kind: a stream of events, or one JSON object. */
export function meterAnswer(answer: IncomingMessage): AnswerMeter {
  const meter = { usage: NO_TOKENS, isKnown: false, isFinal: false };
  const say = (usage: unknown, isFinal: boolean): void => {
    meter.usage = afterUsage(meter.usage, usage);
    meter.isKnown = true;
    meter.isFinal ||= isFinal;
  };
  return Object.assign(meter, { take: reader(answer.headers["content-type"] ?? "", say) });
}

function reader(
  type: string,
  say: (usage: unknown, isFinal: boolean) => void,
): (chunk: Buffer) => void {
  if (type.startsWith("text/event-stream")) return readSseUsage(say);
  const { take, values } = scanTopLevel("usage", USAGE_BYTES);
  return (chunk) => {
    const { length } = values;
    take(chunk);
    if (values.length > length) say(values.at(-1), true);
  };
}
