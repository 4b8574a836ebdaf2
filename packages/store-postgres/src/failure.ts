import { WaybillError } from "@waybill/core";
import type { FailureClass } from "@waybill/core";

/** The error of a call to a store that is not open. */
export function storeClosed(): WaybillError {
  return new WaybillError(
    "STORE_CLOSED",
    "The PostgreSQL store is not open: call open() first, and nothing after close().",
  );
}

/** How a call to the server failed: what to do about it, before it becomes an error of ours. */
export type Trouble = "lost" | "collision" | "other";

/**
 * `lost`: the connection is gone or could not be made, so that nobody knows. `collision`: the server
 * undid it because of another transaction. Both may be tried again where that is idempotent.
 */
export function troubleOf(error: unknown): Trouble {
  const state = sqlStateOf(error);
  if (state === null) return isHopeless(error) ? "other" : "lost";
  if (LOST_STATES.has(state) || state.startsWith("08")) return "lost";
  return COLLISIONS.has(state) ? "collision" : "other";
}

/** The error in our words. `sent` says whether the server may have done what was asked. */
export function failureFrom(error: unknown, place: string, sent: boolean): WaybillError {
  const state = sqlStateOf(error);
  const reason = reasonOf(error);
  const known = kinds.find(({ states }) => state !== null && states.includes(state));
  const kind = known ?? (troubleOf(error) === "lost" ? unreachable(sent) : other(state));
  return new WaybillError(kind.code, kind.says(place, reason), {
    class: kind.class,
    details: { place, ...(state === null ? {} : { sqlState: state }) },
    cause: error,
  });
}

/** The five characters of a server's error; null for an error of the driver or the network. */
function sqlStateOf(error: unknown): string | null {
  // Only an answer of the server has a severity: system errors have codes of five letters too (EPIPE).
  if (!(error instanceof Error) || !("severity" in error) || !("code" in error)) return null;
  return typeof error.code === "string" ? error.code : null;
}

// An aggregate of refused addresses has an empty message and says it in its parts.
function reasonOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return reasonOf(error.errors[0]);
  return error instanceof Error ? error.message : String(error);
}

/** What no repetition helps: a certificate, a password or a protocol that do not fit. */
function isHopeless(error: unknown): boolean {
  if (error instanceof TypeError || error instanceof RangeError) return true;
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  if (/^(ERR_|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_(?:GET|VERIFY))/u.test(code)) return true;
  return /^SASL|SSL connection|password must be/u.test(reasonOf(error));
}

interface Kind {
  readonly code: string;
  readonly class: FailureClass;
  readonly says: (place: string, reason: string) => string;
}

function unreachable(sent: boolean): Kind {
  return {
    code: "STORE_UNREACHABLE",
    class: sent ? "unknown" : "transient",
    says: (place, reason) =>
      `The PostgreSQL server ${place} did not answer (${reason}). Look whether it runs and can be reached from here, then ask again: an append with the same events is recognised.`,
  };
}

function other(state: string | null): Kind {
  if (state === null) return refused;
  return {
    code: "STORE_FAILED",
    class: "unknown",
    says: (place, reason) =>
      `The PostgreSQL server ${place} failed in a way that nobody foresaw: ${reason} (${state}).`,
  };
}

const refused: Kind = {
  code: "STORE_REFUSED",
  class: "permanent",
  says: (place, reason) =>
    `The PostgreSQL server ${place} does not let this store in: ${reason}. Correct the user, the password, the rights, the database's name or the TLS options.`,
};

// PostgreSQL's error codes: https://www.postgresql.org/docs/current/errcodes-appendix.html
const LOST_STATES: ReadonlySet<string> = new Set(["57P01", "57P02", "57P03", "57P05", "25P03"]);
const COLLISIONS: ReadonlySet<string> = new Set(["23505", "40001", "40P01"]);

const kinds: readonly (Kind & { readonly states: readonly string[] })[] = [
  { ...refused, states: ["28000", "28P01", "3D000", "42501"] },
  {
    states: ["53100"],
    code: "STORE_FULL",
    class: "transient",
    says: (place) =>
      `The disk of the PostgreSQL server ${place} is full. Nothing of this call was kept: free some space and ask again.`,
  },
  {
    states: ["53000", "53200", "53300", "53400", "55P03", "57014", ...COLLISIONS],
    code: "STORE_BUSY",
    class: "transient",
    says: (place, reason) =>
      `The PostgreSQL server ${place} is too busy (${reason}). Nothing of this call was kept: ask again, give it more room, or raise statementTimeoutMs.`,
  },
  {
    states: ["25006"],
    code: "STORE_READ_ONLY",
    class: "transient",
    says: (place) =>
      `The PostgreSQL server ${place} only reads: it is a standby, or was made read-only. Connect to the primary, or wait until this one is promoted.`,
  },
  {
    states: ["XX001", "XX002"],
    code: "STORE_CORRUPT",
    class: "permanent",
    says: (place, reason) =>
      `The PostgreSQL server ${place} found damage in its files: ${reason}. Restore them from a backup before anything else is written.`,
  },
];
