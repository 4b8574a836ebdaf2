import type { IncomingMessage } from "node:http";
import type { Refusal } from "./api-error.ts";
import type { ForwardOptions } from "./forward.ts";
import { namedAnswerHeaders, runHeaders } from "./headers.ts";
import { meterAnswer } from "./meter/answer-meter.ts";
import { passOn } from "./pass-on.ts";

/** An upstream's answer, and whom it is for. */
export interface ReceiveOptions extends ForwardOptions {
  readonly answer: IncomingMessage;
  readonly base: URL;
  readonly fail: (refusal: Refusal) => void;
}

/** Looks at the head of an answer, then streams it on and meters it as it passes. */
export function receiveAnswer(options: ReceiveOptions): void {
  const { answer, base, fail, credential, renew } = options;
  answer.on("error", () => fail(brokeOff(base)));
  if (answer.statusCode !== 401 || credential === undefined) return handOn(options);
  // Its body waits meanwhile. The run asks again by itself: nothing of its request was kept.
  void renew().then((isRenewed) => (isRenewed ? fail(renewed(base)) : handOn(options)));
}

function handOn(options: ReceiveOptions): void {
  const { answer, request, response, flight, route, charge, judgeBytes, base, fail } = options;
  const isModel = route.name === null;
  if (isModel && isEncoded(answer)) return fail(encoded(base));
  const meter = route.isWork && isGood(answer) ? meterAnswer(answer) : null;
  if (meter !== null) charge.answered(meter);
  const isPassed = passOn({
    answer,
    response,
    flight,
    headers: isModel ? runHeaders : namedAnswerHeaders,
    look: (bytes) => {
      charge.pass(bytes.length);
      meter?.take(bytes);
      return judgeBytes();
    },
    // A run that has seen the whole answer may ask for more at once, and this process may die: by
    // then it is in the books. What is still being sent is counted when that ends.
    ended: () => {
      if (request.complete) charge.end({ status: answer.statusCode ?? null, how: "whole" });
    },
  });
  if (!isPassed) fail(strangeAnswer(base));
}

function isGood({ statusCode = 0 }: IncomingMessage): boolean {
  return statusCode >= 200 && statusCode < 300;
}

function isEncoded({ headers }: IncomingMessage): boolean {
  const encoding = headers["content-encoding"];
  return encoding !== undefined && encoding !== "identity";
}

function renewed(base: URL): Refusal {
  const message = `${base.host} refused the credential, and there is another one now.`;
  return { status: 503, reason: "credential-renewed", message, retryAfter: 0 };
}

function encoded(base: URL): Refusal {
  const message = `${base.host} encoded its answer although it was asked not to.`;
  return { status: 502, reason: "upstream-encoded", message, retryAfter: 1 };
}

function strangeAnswer(base: URL): Refusal {
  const message = `${base.host} gave an answer that is no HTTP.`;
  return { status: 502, reason: "upstream-strange-answer", message, retryAfter: 1 };
}

function brokeOff(base: URL): Refusal {
  const message = `${base.host} broke off its answer.`;
  return { status: 502, reason: "upstream-broke-off", message, retryAfter: 1 };
}
