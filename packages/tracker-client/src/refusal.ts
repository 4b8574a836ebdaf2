import { WaybillError } from "@waybill/core";
import type { FailureClass } from "@waybill/core";
import type { HttpAnswer, HttpRequest } from "./http-client.ts";
import { serverSaid } from "./server-said.ts";

/** What the meaning of a refusal depends on. */
export interface RefusalContext {
  readonly url: string;
  /** Whether the board honours Idempotency-Key, for ever. */
  readonly keys: boolean;
}

/** An answer other than 2xx as the error that it stands for. */
export function refusal(
  answer: HttpAnswer,
  request: HttpRequest,
  context: RefusalContext,
): WaybillError {
  const { code, failureClass, fix } = meaning(answer, request, context);
  const said = serverSaid(answer.text);
  const target = `${request.method} ${context.url}/${request.path}`;
  // What a server says to a token that it refuses may repeat a part of it.
  const quoted =
    code === "TRACKER_UNAUTHORIZED" || said.message === ""
      ? ""
      : `: ${said.message.replace(/\.$/, "")}`;
  return new WaybillError(
    code,
    `The Tracker answered ${answer.status} to ${target}${quoted}. ${fix}`,
    {
      class: failureClass,
      ...(answer.retryAfterMs === null ? {} : { retryAfterMs: answer.retryAfterMs }),
      details: {
        status: answer.status,
        method: request.method,
        url: context.url,
        path: request.path,
        ...(said.code === null ? {} : { said: said.code }),
      },
    },
  );
}

interface Meaning {
  readonly code: string;
  readonly failureClass: FailureClass;
  readonly fix: string;
}

function meaning(answer: HttpAnswer, request: HttpRequest, context: RefusalContext): Meaning {
  const { status } = answer;
  const waits = answer.retryAfterMs !== null;
  if (status === 401 || status === 403) {
    const fix = "Give a token that this board knows and that may do this (TRACKER_TOKEN).";
    return { code: "TRACKER_UNAUTHORIZED", failureClass: "permanent", fix };
  }
  if (status >= 300 && status < 400) {
    const fix = `It redirects to ${answer.location ?? "nowhere"}, and redirects are not followed, since the token would go along: give the board's own address (TRACKER_URL).`;
    return { code: "TRACKER_REDIRECTED", failureClass: "permanent", fix };
  }
  if (status === 429) {
    const fix = waits ? "Wait as long as it asks." : "Wait, then repeat it.";
    return { code: "TRACKER_RATE_LIMITED", failureClass: "rate", fix };
  }
  if (status === 408 || status === 425 || status >= 500) {
    return unavailable(status, waits, request, context);
  }
  if (status === 409 || status === 412) {
    const fix = "It is in conflict with what the board holds now: read it again, then decide.";
    return { code: "TRACKER_CONFLICT", failureClass: "permanent", fix };
  }
  if (status === 404 || status === 410) {
    const fix =
      "The board knows no such thing: check the id, and that this is a Tracker's address.";
    return { code: "TRACKER_NOT_FOUND", failureClass: "permanent", fix };
  }
  const fix = "Repeating it cannot help: change what is asked.";
  return { code: "TRACKER_REFUSED", failureClass: "permanent", fix };
}

// 408, 425 and 503 say that nothing was done. Any other 5xx may come after the commit (a gateway's
// 502 and 504, a 500 while the answer was made): harmless where the key makes a repeat harmless, and
// a doubt where it does not.
function unavailable(
  status: number,
  waits: boolean,
  request: HttpRequest,
  context: RefusalContext,
): Meaning {
  const doubt = status >= 500 && status !== 503 && request.method !== "GET" && !context.keys;
  return {
    code: "TRACKER_UNAVAILABLE",
    failureClass: doubt ? "unknown" : waits ? "rate" : "transient",
    fix: doubt
      ? "It may have been done: look it up before it is repeated."
      : "Repeat it later; if it stays so, look at the Tracker's own log.",
  };
}
