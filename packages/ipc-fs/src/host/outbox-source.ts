import type { Logger, Mark } from "@waybill/core";

import { ACTIVITY_FILE } from "../outbox-files.ts";
import { UNACKNOWLEDGED } from "../protocol/limits.ts";
import { activityReader } from "./activity-reader.ts";
import { openDeadLetters } from "./dead-letters.ts";
import { folderQuota } from "./folder-quota.ts";
import type { OutboxQuota } from "./folder-quota.ts";
import { lifeSigns } from "./life-signs.ts";
import type { RunPaths } from "./run-paths.ts";
import { openSafeFolder } from "./safe-folder.ts";
import { wordSequence } from "./word-sequence.ts";
import type { WordSource } from "./word-source.ts";

/** How to open a source of words. */
export interface SourceOptions {
  readonly after: Mark;
  /** Whether the run is over, so that waiting for what is missing is in vain. */
  readonly isOver: boolean;
  readonly patienceMs: number;
  /** Holds while the run lives; what a run that is over left is read whatever there is of it. */
  readonly quota: OutboxQuota;
  readonly logger: Logger | undefined;
}

/** Protocol 1: the words in a run's outbox. */
export function outboxSource(paths: RunPaths, options: SourceOptions): WordSource {
  const { after, isOver, patienceMs, logger } = options;
  const folder = openSafeFolder(paths.outbox);
  try {
    const deadLetters = openDeadLetters(paths, logger);
    const sequence = wordSequence({ folder, deadLetters, after, patienceMs, isOver });
    const activities = activityReader(folder, after.seq === 0);
    const alive = lifeSigns(paths, folder);
    const quota = folderQuota(folder, options.quota);
    return {
      watchPaths: [folder.watchPath],
      // Not what every word begins as, nor our own removals: each would cost a look in vain.
      isHint: (name) => sequence.isAhead(name) || name === ACTIVITY_FILE,
      take: () => sequence.take(),
      acknowledge: () => sequence.acknowledge(),
      signs() {
        quota.check();
        return [...alive(), ...activities.take()];
      },
      isPastBacklog: () => sequence.last - after.seq > UNACKNOWLEDGED,
      close() {
        activities.close();
        quota.close();
        folder.close();
      },
    };
  } catch (error) {
    folder.close();
    throw error;
  }
}
