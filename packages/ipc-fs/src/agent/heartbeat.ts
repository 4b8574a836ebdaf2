import { writeFileSync } from "node:fs";

import { HEARTBEAT_FILE } from "../outbox-files.ts";

/** How often to say that the agent lives. */
export interface HeartbeatOptions {
  /** The outbox folder. */
  readonly path: string;
  /** Default: 5,000 ms. */
  readonly everyMs?: number;
}

/**
 * Rewrites `.alive` at intervals until the returned function is called. A beat that cannot be
 * written is left out: heartbeats may be lost, and the host's stall deadline is many beats long.
 */
export function startHeartbeat(options: HeartbeatOptions): () => void {
  const beat = (): void => {
    try {
      writeFileSync(`${options.path}/${HEARTBEAT_FILE}`, `{"v":1,"at":${Date.now()}}\n`);
    } catch {
      // Loss-tolerant by design; a folder that stays unwritable shows itself at the next word.
    }
  };
  beat();
  const timer = setInterval(beat, options.everyMs ?? 5_000);
  return () => clearInterval(timer);
}
