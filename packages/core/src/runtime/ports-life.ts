import type { OrchestratorOptions } from "./orchestrator.ts";

/**
 * Opens the store and checks that every part is ready. Throws the first error after closing
 * everything again, so that nothing half-started is left behind.
 */
export async function openPorts(
  options: OrchestratorOptions,
): Promise<{ readonly close: () => Promise<void> }> {
  const { store, mailbox, tracker } = options;
  const agents = Object.values(options.agents);
  const transports = new Set(agents.map(({ transport }) => transport));
  const gateways = new Set(agents.flatMap(({ gateway }) => gateway ?? []));
  const others = [...transports, ...gateways, mailbox, ...(tracker === undefined ? [] : [tracker])];
  const close = async (): Promise<void> => {
    const closed = await Promise.allSettled(others.map((port) => port.close()));
    await store.close();
    for (const outcome of closed) if (outcome.status === "rejected") throw outcome.reason;
  };
  try {
    await store.open();
    await mailbox.check();
    await tracker?.check();
    for (const port of [...transports, ...gateways]) await port.check();
  } catch (error) {
    await close().catch((cause: unknown) =>
      options.logger?.warn("A part could not be closed.", { error: String(cause) }),
    );
    throw error;
  }
  return { close };
}
