import type { IncomingMessage } from "node:http";
import type { WaySpec } from "../way-spec.ts";
import type { Refusal } from "./api-error.ts";

/** A query is handed on as it is, so it holds only what cannot change the path or split a header. */
const QUERY = /^[A-Za-z0-9_.~=&,%-]{0,256}$/;

/**
 * Says whether a request may pass, by its head alone; null lets it pass. Method and path are compared
 * letter for letter with the allowed ones: nothing is decoded or normalised, so absolute URLs, `..`,
 * doubled slashes and encoded letters have no way to mean something else here than upstream.
 */
export function judgeRequest(request: IncomingMessage, way: WaySpec): Refusal | null {
  const { path, query } = splitTarget(request.url ?? "");
  if (!way.allow.includes(`${request.method} ${path}`)) {
    return {
      status: 403,
      reason: "path-not-allowed",
      message: `this method and path are not allowed. Allowed: ${way.allow.join(", ")}.`,
    };
  }
  if (!QUERY.test(query)) {
    return { status: 403, reason: "query-not-allowed", message: "this query is not allowed." };
  }
  const encoding = request.headers["content-encoding"];
  if (encoding !== undefined && encoding !== "identity") {
    return {
      status: 415,
      reason: "encoded-body",
      message: "an encoded body cannot be checked; send it without Content-Encoding.",
    };
  }
  if (Number(request.headers["content-length"] ?? 0) > way.limits.bodyBytes) return tooLarge(way);
  return null;
}

/** The refusal of a body that is larger than this run may send. */
export function tooLarge(way: WaySpec): Refusal {
  return {
    status: 413,
    reason: "body-too-large",
    message: `the request's body is larger than ${way.limits.bodyBytes} bytes.`,
  };
}

function splitTarget(url: string): { path: string; query: string } {
  const mark = url.indexOf("?");
  return mark === -1
    ? { path: url, query: "" }
    : { path: url.slice(0, mark), query: url.slice(mark + 1) };
}
