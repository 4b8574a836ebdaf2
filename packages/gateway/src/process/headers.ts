import type { IncomingHttpHeaders, OutgoingHttpHeaders } from "node:http";
import type { Credential } from "../control-words.ts";

/** Anthropic takes an OAuth token only together with this beta. */
const OAUTH_BETA = "oauth-2025-04-20";

const REQUEST = {
  names: new Set([
    "accept",
    "content-length",
    "content-type",
    "idempotency-key",
    "user-agent",
    "x-app",
    "x-client-request-id",
  ]),
  prefixes: ["anthropic-", "x-claude-", "x-stainless-"],
};

const RESPONSE = {
  names: new Set([
    "cache-control",
    "content-encoding",
    "content-length",
    "content-type",
    "date",
    "request-id",
    "retry-after",
    "retry-after-ms",
    "x-request-id",
    "x-should-retry",
  ]),
  prefixes: ["anthropic-"],
};

const NAMED_REQUEST = {
  names: new Set([
    "accept",
    "accept-encoding",
    "content-encoding",
    "content-length",
    "content-type",
    "git-protocol",
    "if-modified-since",
    "if-none-match",
    "range",
    "user-agent",
  ]),
  prefixes: ["npm-"],
};

const NAMED_RESPONSE = {
  names: new Set([
    "accept-ranges",
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-length",
    "content-range",
    "content-type",
    "date",
    "etag",
    "expires",
    "last-modified",
    "location",
    "npm-notice",
    "retry-after",
    "vary",
  ]),
  prefixes: [],
};

/**
 * The headers that go upstream: those on the list, and the real credential. A list of what may pass,
 * not of what may not: credentials, cookies and routing headers of any name stay behind.
 */
export function upstreamHeaders(
  incoming: IncomingHttpHeaders,
  credential: Credential,
): OutgoingHttpHeaders {
  const headers = pick(incoming, REQUEST);
  const betas = String(headers["anthropic-beta"] ?? "")
    .split(",")
    .map((beta) => beta.trim())
    .filter((beta) => beta !== "" && beta !== OAUTH_BETA);
  if (credential.kind === "oauthToken") {
    headers["authorization"] = `Bearer ${credential.value}`;
    betas.push(OAUTH_BETA);
  } else {
    headers["x-api-key"] = credential.value;
  }
  // What is encoded cannot be metered as it passes.
  headers["accept-encoding"] = "identity";
  // The run's placeholder may be of the other kind, if the credential changed during its life.
  if (betas.length > 0) headers["anthropic-beta"] = betas.join(",");
  else delete headers["anthropic-beta"];
  return headers;
}

/** The headers that go to a named upstream: those on its list, and the host's own authorization. */
export function namedHeaders(
  incoming: IncomingHttpHeaders,
  credential: Credential | undefined,
): OutgoingHttpHeaders {
  const headers = pick(incoming, NAMED_REQUEST);
  if (credential !== undefined) headers["authorization"] = credential.value;
  return headers;
}

/** The headers of a named upstream that go back to the run: no cookies. */
export function namedAnswerHeaders(upstream: IncomingHttpHeaders): OutgoingHttpHeaders {
  return pick(upstream, NAMED_RESPONSE);
}

/** The headers that go back to the run: no cookies, and not whose account it is. */
export function runHeaders(upstream: IncomingHttpHeaders): OutgoingHttpHeaders {
  const headers = pick(upstream, RESPONSE);
  delete headers["anthropic-organization-id"];
  return headers;
}

function pick(
  headers: IncomingHttpHeaders,
  list: { readonly names: ReadonlySet<string>; readonly prefixes: readonly string[] },
): OutgoingHttpHeaders {
  const entries = Object.entries(headers).filter(
    ([name]) => list.names.has(name) || list.prefixes.some((prefix) => name.startsWith(prefix)),
  );
  return Object.fromEntries(entries);
}
