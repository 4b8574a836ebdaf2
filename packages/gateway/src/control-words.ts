import type { MeterMarks, MeterReading } from "@waybill/core";
import type { WaySpec } from "./way-spec.ts";

/**
 * The version of the words on the control socket: JSON, one value a line, an answer per call by id.
 * `hello` and `stop` keep their shape in every version, so that any two versions can part politely.
 */
export const CONTROL_VERSION = 3;

/** A real credential, in memory and on the control socket only. */
export interface Credential {
  /** `authorization` is a whole header, for upstreams other than the model API. */
  readonly kind: "apiKey" | "oauthToken" | "authorization";
  readonly value: string;
}

/** Whom a credential is for: nothing else is ever given it, whatever its address. */
export interface CredentialPlace {
  /** As the way names it. */
  readonly keyring: string;
  /** The named upstream; null for the model API. */
  readonly name: string | null;
  /** Its address: one that moves gets nothing before it is given something anew. */
  readonly upstream: string;
}

/** A credential, and whom it is for. */
export interface PlacedCredential extends CredentialPlace {
  readonly credential: Credential;
}

/** What the host knows that a session has spent. */
export interface KnownSpending {
  readonly tokens: number;
  readonly usd: number;
}

/** What an orchestrator asks of the process. */
export type ControlCall =
  | { readonly call: "hello" }
  | {
      readonly call: "attach";
      readonly way: WaySpec;
      readonly credentials: readonly PlacedCredential[];
      readonly spent: KnownSpending;
    }
  | { readonly call: "detach"; readonly sessionId: string; readonly runId: string }
  /** Replaces a credential for every run that uses it. */
  | ({ readonly call: "credential" } & PlacedCredential)
  /** Answered at once where there are readings, else when there are, or after `waitMs`. */
  | {
      readonly call: "readings";
      readonly owner: string;
      readonly sessionId: string;
      readonly after: MeterMarks;
      readonly waitMs: number;
    }
  /** Closes the session's ways and removes its books. */
  | { readonly call: "erase"; readonly owner: string; readonly sessionId: string }
  /** Removes the books of a session that has ended, unless somebody needs them. */
  | { readonly call: "forget"; readonly owner: string; readonly sessionId: string }
  | { readonly call: "stop" };

/** What the process says of itself. */
export interface Hello {
  readonly version: number;
  readonly pid: number;
  /** Runs attached now. */
  readonly runs: number;
}

/** One line from the process: the answer to a call. */
export type ControlReply =
  | {
      readonly id: number;
      readonly ok: true;
      readonly hello?: Hello;
      readonly readings?: readonly MeterReading[];
    }
  | { readonly id: number; readonly ok: false; readonly code: string; readonly message: string };

/** One line from the process that nobody asked for: an upstream refused a credential. */
export interface CredentialRefused extends CredentialPlace {
  readonly notice: "credential-refused";
}
