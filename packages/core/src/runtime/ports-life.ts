import type { OrchestratorOptions } from "./orchestrator.ts";
import { Trackers } from "./trackers.ts";

/** The parts that an orchestrator has opened. */
export interface Ports {
  readonly trackers: Trackers;
  readonly close: () => Promise<void>;
}

/**
 * Opens the store and checks that every part is ready. Throws the first error after closing
 * everything again, so that nothing half-started is left behind.
 */
export async function openPorts(options: OrchestratorOptions): Promise<Ports> {
  const { store, mailbox } = options;
  const trackers = new Trackers(options.tracker);
  const agents = Object.values(options.agents);
  const transports = new Set(agents.map(({ transport }) => transport));
  const gateways = new Set(agents.flatMap(({ gateway }) => gateway ?? []));
  const others = [...transports, ...gateways, mailbox, trackers];
  const close = async (): Promise<void> => {
    const closed = await Promise.allSettled(others.map((port) => port.close()));
    await store.close();
    for (const outcome of closed) if (outcome.status === "rejected") throw outcome.reason;
  };
  try {
    await store.open();
    await mailbox.check();
    await trackers.check();
    for (const port of [...transports, ...gateways]) await port.check();
  } catch (error) {
    await close().catch((cause: unknown) =>
      options.logger?.warn("A part could not be closed.", { error: String(cause) }),
    );
    throw error;
  }
  return { trackers, close };
}
