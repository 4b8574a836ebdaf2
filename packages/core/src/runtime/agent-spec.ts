import type { JsonObject } from "../json.ts";
import type { Gateway } from "../ports/gateway.ts";
import type { Transport } from "../ports/transport.ts";
import type { Policy } from "../session/policy.ts";

/** An agent, as an orchestrator knows it. Its slug is its key in `agents`. */
export interface AgentSpec {
  /** As people read it, in any script: "Кодер". */
  readonly name: string;
  /** Where its runs live. */
  readonly transport: Transport;
  /** Its way to the model. Default: none. */
  readonly gateway?: Gateway;
  /** The wire protocol. Default: what the transport's image says, else 1. */
  readonly protocol?: 0 | 1;
  /** Handed to the agent as it is: model, tools, permissions. Default: empty. */
  readonly config?: JsonObject;
  /**
   * US dollars that all its sessions together may cost before they pause, over all orchestrators on
   * the store; null for no cap. Recorded when it differs from what the options said last, so that
   * `raiseBudget()` outlives a restart. Default: what was recorded last, else no cap.
   */
  readonly budgetUsd?: number | null;
  /** Where its sessions differ from the default policy. */
  readonly policy?: Partial<Policy>;
}
