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
  /** Where its sessions differ from the default policy. */
  readonly policy?: Partial<Policy>;
}
