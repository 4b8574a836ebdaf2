import { WaybillError } from "@waybill/core";
import type { Attachment, RunPlan, SpendingTerms } from "@waybill/core";
import type { Credential } from "./control-words.ts";
import { FORWARDER_NAME, SOCKET_NAME, wayFolder } from "./way-spec.ts";
import type { WaySpec } from "./way-spec.ts";

/** Where the run finds its socket's folder. */
const FOLDER_AT = "/waybill/model";

/** It says what it is to whoever finds it, and looks like no key to those who scan for keys. */
const PLACEHOLDER = "placeholder-the-gateway-adds-the-credential";

/** What a run is told of a named upstream. */
export interface ToldUpstream {
  readonly name: string;
  readonly url: string;
  readonly client?: "npm" | "git";
}

/** What is the same for every run of one gateway. */
export type WayTerms = Omit<WaySpec, "owner" | "sessionId" | "runId" | "keyring" | "user">;

/** What the process is told of a run. Throws `GATEWAY_USER_FORBIDDEN`. */
export function wayOfRun(
  plan: RunPlan,
  terms: WayTerms,
  spending: SpendingTerms | undefined,
  keyring: string,
): WaySpec {
  const { owner, sessionId, runId, user } = plan;
  const own = process.getuid?.();
  if (user !== null && own !== undefined && own !== 0 && user.uid !== own) {
    throw new WaybillError(
      "GATEWAY_USER_FORBIDDEN",
      `Run ${runId} has the user ${user.uid}, but a host with the user ${own} cannot give a socket away: run the host as root, or plan the run with its own user.`,
      { details: { runId, user: user.uid, own } },
    );
  }
  const budget = { ...terms.budget, usd: lower(terms.budget.usd, spending?.capUsd ?? null) };
  return { owner, sessionId, runId, keyring, user, ...terms, budget };
}

/** The session's own cap and the gateway's both hold. */
function lower(one: number | null, other: number | null): number | null {
  if (one === null || other === null) return one ?? other;
  return Math.min(one, other);
}

/**
 * What the run gets: the folder of its socket, and what the Claude Agent SDK needs to use it (tried
 * with 0.3.330). The base address keeps it from looking for a host name; the placeholder makes it
 * send the headers, and with an OAuth token the betas, that its kind of credential needs.
 */
export function attachmentOf(
  root: string,
  plan: RunPlan,
  kind: Credential["kind"],
  upstreams: readonly ToldUpstream[],
): Attachment {
  const variable = kind === "apiKey" ? "ANTHROPIC_API_KEY" : "CLAUDE_CODE_OAUTH_TOKEN";
  return {
    folders: [{ host: wayFolder(root, plan), at: FOLDER_AT, write: false }],
    env: {
      ANTHROPIC_UNIX_SOCKET: { folder: FOLDER_AT, file: SOCKET_NAME },
      ANTHROPIC_BASE_URL: "http://localhost",
      [variable]: PLACEHOLDER,
      ...(upstreams.length === 0
        ? {}
        : {
            GATEWAY_SOCKET: { folder: FOLDER_AT, file: SOCKET_NAME },
            GATEWAY_FORWARDER: { folder: FOLDER_AT, file: FORWARDER_NAME },
            GATEWAY_UPSTREAMS: JSON.stringify(upstreams),
          }),
    },
  };
}
