import { appendFileSync } from "node:fs";
import { createHash } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";

/** One request that the scripted model had, and what it did with it. */
export interface LoggedRequest {
  /** Milliseconds since the Unix epoch. */
  readonly at: number;
  readonly method: string;
  readonly path: string;
  /** The agent's conversation, where the request names one. */
  readonly session: string | null;
  /** The credential's header, and the first 12 hex digits of its SHA-256: never the credential. */
  readonly credential: { readonly header: string; readonly sha256: string } | null;
  /** The parsed body; null where there was none. */
  readonly body: unknown;
  /** What the model did: the status that it gave, and whether its script asked for it. */
  readonly status: number;
  readonly did:
    | "script"
    | "echo"
    | "script_error"
    | "script_ran_out"
    | "fault"
    | "count"
    | "refused";
  /** How many replies of scripts had been played before. */
  readonly played: number;
}

/** Keeps the requests, and writes each as a JSON line where a file is given. */
export interface RequestLog {
  readonly requests: readonly LoggedRequest[];
  add(request: LoggedRequest): void;
}

/** A log in memory and, with a file, on disk as JSON lines; written before the answer begins. */
export function requestLog(file: string | undefined): RequestLog {
  const requests: LoggedRequest[] = [];
  return {
    requests,
    add(request) {
      requests.push(request);
      if (file !== undefined) appendFileSync(file, `${JSON.stringify(request)}\n`);
    },
  };
}

/** What the headers say of the credential, without the credential. */
export function credentialOf(headers: IncomingHttpHeaders): LoggedRequest["credential"] {
  const key = headers["x-api-key"];
  if (typeof key === "string") return { header: "x-api-key", sha256: fingerprint(key) };
  const bearer = headers.authorization?.replace(/^Bearer /i, "");
  return bearer === undefined ? null : { header: "authorization", sha256: fingerprint(bearer) };
}

function fingerprint(secret: string): string {
  return createHash("sha256").update(secret).digest("hex").slice(0, 12);
}
