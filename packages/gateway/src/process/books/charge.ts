import type { MeterReading } from "@waybill/core";
import type { ModelPrice } from "../../way-spec.ts";
import type { AnswerMeter } from "../meter/answer-meter.ts";
import { NO_TOKENS, costOf, tokensOf } from "../meter/token-usage.ts";
import type { TokenUsage } from "../meter/token-usage.ts";
import type { Begun, Spent } from "./ledger-lines.ts";

/** Of a stream that broke off before it said its cost, one token for so many bytes: a generous guess. */
const STREAM_BYTES_A_TOKEN = 16;

/** What is known of a request before it goes on. */
export interface ChargeTerms {
  readonly runId: string;
  /** Whether it asks the model to work, and not to count. */
  readonly isWork: boolean;
  readonly price: (model: string) => ModelPrice | undefined;
}

/** How a request ended. */
export interface ChargeEnd {
  /** What the upstream answered; null where it did not. */
  readonly status: number | null;
  /** `aborted` by the run, `failed` at the upstream, or whole. */
  readonly how: "whole" | "aborted" | "failed";
}

/** What one request costs its session, from its start to its end. */
export interface Charge {
  readonly soFar: Spent;
  pass(bytes: number): void;
  /** All of it is about to be with the model. */
  begin(model: string | null, requestBytes: number): void;
  /** The model has begun to answer. */
  answered(meter: AnswerMeter): void;
  end(end: ChargeEnd): void;
}

/** Where a charge is kept. */
export interface ChargeBook {
  readonly density: () => number;
  readonly learn: (tokensPerByte: number) => void;
  readonly begin: (begun: Omit<Begun, "n">) => number;
  readonly end: (
    n: number | null,
    bytes: number,
    reading: Omit<Extract<MeterReading, { type: "usage" }>, "mark"> | null,
  ) => void;
}

/** Opens the account of one request. */
export function openCharge(terms: ChargeTerms, book: ChargeBook): Charge {
  let bytes = 0;
  let answerBytes = 0;
  let requestBytes = 0;
  let begun: { readonly n: number; readonly model: string | null; readonly input: number } | null =
    null;
  let meter: AnswerMeter | null = null;
  let isOver = false;

  const price = (): ModelPrice | undefined => terms.price(begun?.model ?? "");
  const usageNow = (): TokenUsage => {
    if (begun === null) return NO_TOKENS;
    return meter?.isKnown === true ? meter.usage : { ...NO_TOKENS, input: begun.input };
  };
  const guess = (): TokenUsage => {
    const usage = usageNow();
    const output = meter === null ? 0 : Math.ceil(answerBytes / STREAM_BYTES_A_TOKEN);
    return { ...usage, output: Math.max(usage.output, output) };
  };
  const learn = (usage: TokenUsage): void => {
    const input = tokensOf(usage) - usage.output;
    if (input > 0 && requestBytes > 0) book.learn(input / requestBytes);
  };

  return {
    get soFar() {
      const usage = usageNow();
      return { tokens: tokensOf(usage), usd: costOf(usage, price()) ?? 0, bytes };
    },
    pass(more) {
      bytes += more;
      if (meter !== null) answerBytes += more;
    },
    begin(model, size) {
      requestBytes = size;
      if (!terms.isWork) return;
      const input = Math.ceil(size * book.density());
      const usd = costOf({ ...NO_TOKENS, input }, terms.price(model ?? ""));
      const at = Date.now();
      const n = book.begin({ runId: terms.runId, at, model, tokens: input, usd });
      begun = { n, model, input };
    },
    answered(of) {
      meter = of;
    },
    end({ status, how }) {
      if (isOver) return;
      isOver = true;
      if (begun === null) return book.end(null, bytes, null);
      const isFinal = meter?.isFinal === true;
      if (isFinal) learn(usageNow());
      // An error costs nothing; nor does an upstream that was not there, or gave up before a word.
      const isFree = !isFinal && (status === null ? how !== "aborted" : status >= 300);
      const usage = isFinal ? usageNow() : guess();
      book.end(begun.n, bytes, isFree ? null : readingOf(terms, begun.model, usage, !isFinal));
    },
  };
}

function readingOf(
  terms: ChargeTerms,
  model: string | null,
  usage: TokenUsage,
  estimated: boolean,
): Omit<Extract<MeterReading, { type: "usage" }>, "mark"> {
  return {
    type: "usage",
    runId: terms.runId,
    at: Date.now(),
    model,
    inputTokens: usage.input,
    outputTokens: usage.output,
    cacheReadTokens: usage.cacheRead,
    cacheWriteTokens: usage.cacheWrite,
    costUsd: costOf(usage, terms.price(model ?? "")),
    estimated,
  };
}
