import { resolve } from "node:path";
import { startThread } from "./store-thread.ts";

/**
 * Copies a store to a new file as it is at this instant, in a thread of its own, so that neither
 * appends nor reads wait for it.
 */
export async function backUp(path: string, target: string): Promise<void> {
  const thread = await startThread({
    path,
    role: "reader",
    durability: "full",
    check: "none",
    lockWaitMs: 0,
  });
  try {
    await thread.call("copy", { path: resolve(target) });
  } finally {
    await thread.close();
  }
}
