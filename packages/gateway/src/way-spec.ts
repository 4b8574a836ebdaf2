import { createHash } from "node:crypto";
import path from "node:path";

/** What one run may do at the model API: made by the orchestrator, kept and enforced by the process. */
export interface WaySpec {
  /** The store's id. */
  readonly owner: string;
  readonly sessionId: string;
  readonly runId: string;
  /**
   * Which gateway's credentials it uses: each has a ring of its own, so that two agents, or two logs,
   * never mix keys. The next orchestrator's attach changes it.
   */
  readonly keyring: string;
  /** Whom the socket belongs to; null leaves it to the process's own user. */
  readonly user: { readonly uid: number; readonly gid: number } | null;
  /** An absolute http or https URL without query; its path is put before the request's. */
  readonly upstream: string;
  /** `METHOD /path`, compared letter for letter. */
  readonly allow: readonly string[];
  readonly limits: WayLimits;
  /** The models that may be asked for; null for any. */
  readonly models: readonly string[] | null;
  /** US dollars per million tokens, by model; null where nobody gave any. */
  readonly prices: ModelPrices | null;
  /** What the session may cost, over all its runs. */
  readonly budget: WayBudget;
  /** What else the run may reach, below `/upstreams/<name>/`. */
  readonly upstreams: readonly NamedUpstream[];
}

/** A server beside the model API: a package registry, a git host. */
export interface NamedUpstream {
  readonly name: string;
  /** An absolute http or https URL without query; its path is put before the request's. */
  readonly url: string;
  /** `METHOD /path`, compared letter for letter but for `*`: see `UpstreamOptions`. */
  readonly allow: readonly string[];
  /** Whether the gateway adds a credential: without it nothing is sent. */
  readonly isAuthorized: boolean;
}

/** US dollars per million tokens. */
export interface ModelPrice {
  readonly input: number;
  readonly output: number;
  readonly cacheRead: number;
  /** Written to be kept for five minutes. */
  readonly cacheWrite: number;
  /** Written to be kept for an hour. Default: as `cacheWrite`. */
  readonly cacheWriteHour?: number;
}

/** Prices by the model's name, as requests name it. */
export type ModelPrices = Readonly<Record<string, ModelPrice>>;

/** Caps on what a session may cost; null for none. */
export interface WayBudget {
  /** Tokens of all kinds. */
  readonly tokens: number | null;
  /** US dollars. */
  readonly usd: number | null;
  /** Bytes of bodies, both ways. */
  readonly bytes: number | null;
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

/** The file name of the program beside it that leads other programs there. */
export const FORWARDER_NAME = "forward.mjs";

/** The folder of one run's socket: short, since a socket's path has 107 bytes, and safe for any id. */
export function wayFolder(root: string, run: { sessionId: string; runId: string }): string {
  return path.join(root, "r", wayName(run));
}

/** Where the process remembers one attached run. */
export function wayRecord(root: string, run: { sessionId: string; runId: string }): string {
  return path.join(recordsFolder(root), `${wayName(run)}.json`);
}

/** Where the process remembers all attached runs. */
export function recordsFolder(root: string): string {
  return path.join(root, "attached");
}

/** Whose books they are. */
export interface LedgerOwner {
  /** The store's id. */
  readonly owner: string;
  readonly sessionId: string;
}

/** Where the process keeps what a session has spent. */
export function ledgerFile(root: string, { owner, sessionId }: LedgerOwner): string {
  const hash = createHash("sha256")
    .update(JSON.stringify([owner, sessionId]))
    .digest("hex");
  return path.join(booksFolder(root), `${hash.slice(0, 32)}.ndjson`);
}

/** Where the process keeps the books of all sessions. */
export function booksFolder(root: string): string {
  return path.join(root, "books");
}

/** The socket through which orchestrators speak to the process. */
export function controlSocket(root: string): string {
  return path.join(root, "control.sock");
}

function wayName(run: { sessionId: string; runId: string }): string {
  const hash = createHash("sha256").update(JSON.stringify([run.sessionId, run.runId]));
  return hash.digest("hex").slice(0, 16);
}
