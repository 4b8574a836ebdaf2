import { WaybillError } from "@waybill/core";

/**
 * The board's base address without a slash at its end. It may have a path (`https://host/board`),
 * but neither credentials nor a query: they would end up in logs. Throws `TRACKER_URL_INVALID`.
 */
export function trackerUrl(given: string | URL): string {
  const shown = withoutSecrets(String(given));
  const url = URL.parse(String(given));
  if (url === null) {
    throw invalid(shown, "it is no absolute URL");
  }
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    throw invalid(shown, `its scheme is ${url.protocol}// and not http:// or https://`);
  }
  if (url.username !== "" || url.password !== "") {
    throw invalid(shown, "it carries a user or a password, and the token belongs into `token`");
  }
  if (url.search !== "" || url.hash !== "") {
    throw invalid(shown, "it carries a query or a fragment");
  }
  return `${url.origin}${url.pathname}`.replace(/\/+$/, "");
}

function invalid(shown: string, reason: string): WaybillError {
  return new WaybillError(
    "TRACKER_URL_INVALID",
    `"${shown}" cannot be the Tracker's address: ${reason}. Give one like http://localhost:8100 (TRACKER_URL).`,
    { details: { url: shown } },
  );
}

/** The text with what may be a password or a token cut out, so that an error can name the rest. */
export function withoutSecrets(text: string): string {
  const host = text.slice(text.lastIndexOf("@") + 1);
  const shown = host === text ? text : `…@${host}`;
  return shown.replace(/[?#].*$/s, (rest) => `${rest.slice(0, 1)}…`).slice(0, 200);
}
