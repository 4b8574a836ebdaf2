import { WaybillError } from "@waybill/core";
import type { HttpRequest } from "./http-client.ts";

/** What is known of a call that got no complete answer. */
export interface BrokenCall {
  readonly url: string;
  readonly request: HttpRequest;
  /** False while the call still waited for its token. */
  readonly sent: boolean;
  readonly endedBy: "timeout" | "caller" | null;
  readonly timeoutMs: number;
}

// These say that no connection came about, so that nothing was sent. What is not listed may have
// happened at any moment (ECONNRESET, EPIPE, UND_ERR_SOCKET, ETIMEDOUT): in doubt, it was sent.
const neverConnected: ReadonlySet<string> = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENETDOWN",
  "EHOSTDOWN",
  "EADDRNOTAVAIL",
  "EMFILE",
  "UND_ERR_CONNECT_TIMEOUT",
  "CERT_HAS_EXPIRED",
  "CERT_NOT_YET_VALID",
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  "ERR_TLS_CERT_ALTNAME_INVALID",
  "ERR_SSL_WRONG_VERSION_NUMBER",
]);

/**
 * What a failed connection means: `transient` where nothing was sent, or only a question; `unknown`
 * where a write may have arrived.
 */
export function connectionFailure(error: unknown, call: BrokenCall): WaybillError {
  const reason = reasonOf(error);
  const target = `${call.request.method} ${call.url}/${call.request.path}`;
  const doubt = call.sent && call.request.method !== "GET";
  const settings = {
    class: doubt ? ("unknown" as const) : ("transient" as const),
    details: { url: call.url, method: call.request.method, path: call.request.path, ...reason },
  };
  const mayBeDone = doubt ? " It may have been done: repeat it only under its key." : "";
  if (call.endedBy === "caller") {
    return new WaybillError("TRACKER_CANCELLED", `${target} was cancelled.${mayBeDone}`, settings);
  }
  if (call.endedBy === "timeout") {
    return new WaybillError(
      "TRACKER_TIMEOUT",
      `${target} was not answered within ${call.timeoutMs} ms.${mayBeDone}`,
      settings,
    );
  }
  if (neverConnected.has(reason.reason) || reason.reason === "bad port") {
    return unreachable(call.url, reason.reason, reason.message);
  }
  return new WaybillError(
    "TRACKER_CONNECTION_LOST",
    `The connection broke during ${target} (${reason.reason}).${mayBeDone}`,
    settings,
  );
}

/** No connection to the board: the same words for a call and for `check`. */
export function unreachable(url: string, reason: string, message: string): WaybillError {
  return new WaybillError(
    "TRACKER_UNREACHABLE",
    `The Tracker at ${url} cannot be reached (${reason}: ${message.replace(/\.$/, "")}). Start it, or correct its address (TRACKER_URL).`,
    { class: "transient", details: { url, reason } },
  );
}

// The errors of ky and fetch hold the request with its headers, so none of them becomes a cause:
// whoever prints the chain would print the token. The innermost one says all that helps.
function reasonOf(error: unknown): { readonly reason: string; readonly message: string } {
  let inner: unknown = error;
  while (inner instanceof Error && inner.cause !== undefined) {
    inner = inner.cause;
  }
  if (!(inner instanceof Error)) {
    return { reason: typeof inner, message: "no error" };
  }
  const code = "code" in inner && typeof inner.code === "string" ? inner.code : null;
  return {
    reason: code ?? (inner.message === "bad port" ? "bad port" : inner.name),
    message: inner.message,
  };
}
