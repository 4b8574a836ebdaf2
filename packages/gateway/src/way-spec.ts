import { createHash } from "node:crypto";
import path from "node:path";

/** What one run may do at the model API: made by the orchestrator, kept and enforced by the process. */
export interface WaySpec {
  /** The store's id. Credentials are kept per owner and upstream, so that two logs never mix keys. */
  readonly owner: string;
  readonly sessionId: string;
  readonly runId: string;
  /** Whom the socket belongs to; null leaves it to the process's own user. */
  readonly user: { readonly uid: number; readonly gid: number } | null;
  /** An absolute http or https URL without query; its path is put before the request's. */
  readonly upstream: string;
  /** `METHOD /path`, compared letter for letter. */
  readonly allow: readonly string[];
  readonly limits: WayLimits;
}

/** The bounds of one run's way. */
export interface WayLimits {
  /** Bytes of one request's body. */
  readonly bodyBytes: number;
  /** Bytes of one request's headers. */
  readonly headerBytes: number;
  /** Requests in flight at once. */
  readonly requests: number;
}

/** The file name of the socket inside its folder. */
export const SOCKET_NAME = "model.sock";

/** The folder of one run's socket: short, since a socket's path has 107 bytes, and safe for any id. */
export function wayFolder(root: string, run: { sessionId: string; runId: string }): string {
  return path.join(root, "r", wayName(run));
}

/** Where the process remembers one attached run. */
export function wayRecord(root: string, run: { sessionId: string; runId: string }): string {
  return path.join(root, "attached", `${wayName(run)}.json`);
}

/** The socket through which orchestrators speak to the process. */
export function controlSocket(root: string): string {
  return path.join(root, "control.sock");
}

function wayName(run: { sessionId: string; runId: string }): string {
  const hash = createHash("sha256").update(JSON.stringify([run.sessionId, run.runId]));
  return hash.digest("hex").slice(0, 16);
}
