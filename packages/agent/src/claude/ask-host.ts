import type { AgentOperation } from "@waybill/core";
import type { OperationOutcome } from "../host/agent-host.ts";

/** Asks the host for something; aborting ends the wait, not what was asked for at the Tracker. */
export type AskHost = (
  operation: AgentOperation,
  options: { readonly signal?: AbortSignal },
) => Promise<OperationOutcome>;
