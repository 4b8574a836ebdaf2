import type { IncomingMessage } from "node:http";
import type { WaySpec } from "../way-spec.ts";
import type { AuditLine } from "./audit-log.ts";
import type { ChargeEnd } from "./books/charge.ts";
import { scanModel } from "./meter/model-scan.ts";
import type { ModelScan } from "./meter/model-scan.ts";

/** A hostile path is not kept in full. */
const PATH_LENGTH = 200;

/** What is known of one request while it is under way; the audit line is made of it. */
export interface Flight {
  readonly at: number;
  readonly method: string | null;
  readonly path: string | null;
  readonly model: ModelScan;
  /** The named upstream that it went to; null for the model API. */
  upstream: string | null;
  status: number | null;
  /** Null until something has decided it. */
  outcome: AuditLine["outcome"] | null;
  reason: string | null;
  upstreamId: string | null;
  requestBytes: number;
  responseBytes: number;
}

/** Begins to keep track of a request; null stands for something that was no HTTP request. */
export function beginFlight(request: IncomingMessage | null): Flight {
  return {
    at: Date.now(),
    method: request?.method ?? null,
    path: request?.url?.slice(0, PATH_LENGTH) ?? null,
    model: scanModel(),
    upstream: null,
    status: null,
    outcome: null,
    reason: null,
    upstreamId: null,
    requestBytes: 0,
    responseBytes: 0,
  };
}

/** The flight as the audit log keeps it. */
export function auditLine(way: WaySpec, flight: Flight): AuditLine {
  return {
    at: flight.at,
    owner: way.owner,
    session: way.sessionId,
    run: way.runId,
    method: flight.method,
    path: flight.path,
    ...(flight.upstream === null ? {} : { upstream: flight.upstream }),
    model: flight.model.model,
    status: flight.status,
    outcome: flight.outcome ?? "aborted",
    ...(flight.reason === null ? {} : { reason: flight.reason }),
    ...(flight.upstreamId === null ? {} : { upstreamId: flight.upstreamId }),
    requestBytes: flight.requestBytes,
    responseBytes: flight.responseBytes,
    ms: Date.now() - flight.at,
  };
}

/** How the flight ended, for its charge. */
export function chargeEnd({ status, outcome }: Flight): ChargeEnd {
  if (outcome === "answered") return { status, how: "whole" };
  // What was cut off at a cap had been answered so far.
  return { status, how: outcome === "failed" ? "failed" : "aborted" };
}
