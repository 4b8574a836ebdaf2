import type { WaySpec } from "./way-spec.ts";

/**
 * The version of the words on the control socket: JSON, one value a line, an answer per call by id.
 * `hello` and `stop` keep their shape in every version, so that any two versions can part politely.
 */
export const CONTROL_VERSION = 1;

/** A real credential, in memory and on the control socket only. */
export interface Credential {
  readonly kind: "apiKey" | "oauthToken";
  readonly value: string;
}

/** What an orchestrator asks of the process. */
export type ControlCall =
  | { readonly call: "hello" }
  | { readonly call: "attach"; readonly way: WaySpec; readonly credential: Credential }
  | { readonly call: "detach"; readonly sessionId: string; readonly runId: string }
  | { readonly call: "stop" };

/** What the process says of itself. */
export interface Hello {
  readonly version: number;
  readonly pid: number;
  /** Runs attached now. */
  readonly runs: number;
}

/** One line from the process. */
export type ControlReply =
  | { readonly id: number; readonly ok: true; readonly hello?: Hello }
  | { readonly id: number; readonly ok: false; readonly code: string; readonly message: string };
