import type { IncomingMessage } from "node:http";
import type { WaySpec } from "../way-spec.ts";
import type { Refusal } from "./api-error.ts";
import type { Route } from "./route.ts";

/** A query is handed on as it is, so it holds only what cannot change the path or split a header. */
const QUERY = /^[A-Za-z0-9_.~=&,%-]{0,256}$/;
const NAMED_QUERY = /^[A-Za-z0-9_.~=&,%+:@/-]{0,1024}$/;
/** What a path of a named upstream may consist of. */
const NAMED_PATH = /^(?:\/[A-Za-z0-9_.~!$&'()*+,;=:@%-]*)+$/;

/**
 * Says whether a request may pass, by its head alone; null lets it pass. Method and path are compared
 * letter for letter with the allowed ones: nothing is decoded or normalised, so absolute URLs, `..`,
 * doubled slashes and encoded letters have no way to mean something else here than upstream.
 */
export function judgeRequest(
  request: IncomingMessage,
  way: WaySpec,
  route: Route | null,
): Refusal | null {
  if (route === null) {
    const names = way.upstreams.map(({ name }) => name).join(", ") || "none";
    const message = `no upstream of this name is allowed. Allowed: ${names}.`;
    return { status: 403, reason: "upstream-not-allowed", message };
  }
  const { path, query } = splitTarget(route.target);
  if (!isAllowed(`${request.method} ${path}`, path, route)) {
    return {
      status: 403,
      reason: "path-not-allowed",
      message: `this method and path are not allowed. Allowed: ${route.allow.join(", ")}.`,
    };
  }
  if (!(route.name === null ? QUERY : NAMED_QUERY).test(query)) {
    return { status: 403, reason: "query-not-allowed", message: "this query is not allowed." };
  }
  const encoding = request.headers["content-encoding"];
  if (route.name === null && encoding !== undefined && encoding !== "identity") {
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

function isAllowed(wanted: string, path: string, { allow, name }: Route): boolean {
  if (name === null) return allow.includes(wanted);
  return allow.some((entry) => fits(entry, wanted)) && isPlain(path);
}

/** A last `*` stands for whatever follows, another for one folder's name that hides no slash. */
function fits(entry: string, wanted: string): boolean {
  const isOpen = entry.endsWith("*");
  const parts = (isOpen ? entry.slice(0, -1) : entry).split("*").map(escaped);
  return new RegExp(`^${parts.join("[^/%]+")}${isOpen ? "" : "$"}`).test(wanted);
}

function escaped(text: string): string {
  return text.replaceAll(/[.$~+?()[\]{}|^\\]/g, String.raw`\$&`);
}

/** Whether the path, however it is decoded, goes down and never up. */
function isPlain(path: string): boolean {
  if (!NAMED_PATH.test(path) || path.includes("//")) return false;
  const once = decoded(path);
  const twice = once === null ? null : decoded(once);
  if (once === null || twice === null) return false;
  return [once, twice].every(
    // oxlint-disable-next-line no-control-regex -- they are what is looked for
    (text) => !/[\\\u0000-\u001f]/.test(text) && !/(?:^|\/)\.{1,2}(?:\/|$)/.test(text),
  );
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null; // Half a letter: nobody means that.
  }
}

function splitTarget(url: string): { path: string; query: string } {
  const mark = url.indexOf("?");
  return mark === -1
    ? { path: url, query: "" }
    : { path: url.slice(0, mark), query: url.slice(mark + 1) };
}
