import { checkAgents } from "./check-options.ts";
import type { Orchestrator, OrchestratorOptions } from "./orchestrator.ts";
import { openPorts } from "./ports-life.ts";
import { RunningOrchestrator } from "./running-orchestrator.ts";
import { checkSharing } from "./sharing.ts";

/**
 * Opens the store, checks every part, takes over the open sessions and goes on with them. Throws
 * with the code of the first part that is not ready; nothing half-started is left behind.
 */
export async function createOrchestrator(options: OrchestratorOptions): Promise<Orchestrator> {
  checkAgents(options.agents);
  checkSharing(options.sharing, options.mailbox);
  const ports = await openPorts(options);
  const orchestrator = new RunningOrchestrator(options, ports);
  try {
    await orchestrator.takeOver();
    return orchestrator;
  } catch (error) {
    await orchestrator[Symbol.asyncDispose]();
    throw error;
  }
}
