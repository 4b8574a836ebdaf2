import { WaybillError } from "@waybill/core";

/** Where the Messages API is, unless told otherwise. */
export const DEFAULT_UPSTREAM = "https://api.anthropic.com";

/** The upstream in its one spelling. Throws `GATEWAY_UPSTREAM_INVALID`. */
export function upstreamAddress(upstream: string | URL): string {
  const text = String(upstream);
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || (url.protocol !== "http:" && url.protocol !== "https:")) {
    throw invalid("it is no http or https address");
  }
  if (url.username !== "" || url.password !== "") {
    throw invalid("it holds a user or a password; the credential is an option of its own");
  }
  if (url.search !== "" || url.hash !== "") throw invalid("it holds a query or a fragment");
  return url.href;
}

/** Whether a credential would cross a network in the clear on its way to this upstream. */
export function isClearText(upstream: string): boolean {
  const { protocol, hostname } = new URL(upstream);
  return protocol === "http:" && !/^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname);
}

function invalid(why: string): WaybillError {
  // The address is not quoted: a mistaken one may hold a secret.
  return new WaybillError(
    "GATEWAY_UPSTREAM_INVALID",
    `The gateway's upstream is not usable: ${why}. Give an address like ${DEFAULT_UPSTREAM}.`,
  );
}
