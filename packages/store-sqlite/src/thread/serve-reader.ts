import { openCheckpoints } from "./checkpoints.ts";
import { copyDatabase } from "./copy.ts";
import { openEpochs } from "./leases.ts";
import type { Handlers } from "./messages.ts";
import type { OpenLog } from "./open.ts";
import { openPages, searchTail } from "./pages.ts";

/** Answers the calls of one who only reads: an owner's may run at the same time. */
export function serveReader(log: OpenLog, path: string): Partial<Handlers> {
  const pages = openPages(log.db, path, searchTail(log.db));
  const checkpoints = openCheckpoints(log.db);
  return {
    readStream: pages.readStream,
    readAll: pages.readAll,
    last: pages.last,
    checkpoint: checkpoints.get,
    checkpoints: checkpoints.page,
    epochs: openEpochs(log.db),
    copy: ({ path: target }) => {
      copyDatabase(log.db, target);
      return null;
    },
    close: () => {
      log.close();
      return null;
    },
  };
}
