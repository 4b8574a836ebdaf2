import type { WayLimits, WaySpec } from "../way-spec.ts";
import { isCount, isRecord, isText } from "./shapes.ts";

/** Reads a run's way from the control socket or from a record; null where a field is missing or wrong. */
export function readWaySpec(value: unknown): WaySpec | null {
  if (!isRecord(value)) return null;
  const { owner, sessionId, runId, upstream, allow } = value;
  const user = readUser(value["user"]);
  const limits = readLimits(value["limits"]);
  if (!isText(owner) || !isText(sessionId) || !isText(runId)) return null;
  if (user === undefined || limits === null) return null;
  if (!isText(upstream) || !URL.canParse(upstream)) return null;
  if (!Array.isArray(allow) || !allow.every(isText)) return null;
  return { owner, sessionId, runId, user, upstream, allow, limits };
}

function readUser(value: unknown): WaySpec["user"] | undefined {
  if (value === null) return null;
  if (!isRecord(value)) return undefined;
  const { uid, gid } = value;
  return isCount(uid) && isCount(gid) ? { uid, gid } : undefined;
}

function readLimits(value: unknown): WayLimits | null {
  if (!isRecord(value)) return null;
  const { bodyBytes, headerBytes, requests } = value;
  if (!isCount(bodyBytes) || !isCount(headerBytes) || !isCount(requests)) return null;
  return { bodyBytes, headerBytes, requests };
}
