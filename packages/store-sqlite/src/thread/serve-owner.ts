import { adopt } from "./adopt.ts";
import { openAppends } from "./appends.ts";
import { groupFrom } from "./group-cells.ts";
import { openCheckpoints } from "./checkpoints.ts";
import { openErasure } from "./erasure.ts";
import { openEpochs, openLeases } from "./leases.ts";
import { openLogIndex } from "./log-index.ts";
import type { LogIndex } from "./log-index.ts";
import type { Handlers } from "./messages.ts";
import type { OpenLog } from "./open.ts";
import { openPages, rememberedTail } from "./pages.ts";
import { openPayloads } from "./payloads.ts";

/** Answers the owner's calls. */
export function serveOwner(log: OpenLog, path: string): Partial<Handlers> {
  const { db, opened, life } = log;
  const index = openLogIndex(db);
  index.catchUp();
  const payloads = openPayloads(db, path);
  const appends = openAppends(db, path, { index, payloads }, opened.last);
  const erasure = openErasure(db, { appends, index, payloads });
  const leases = openLeases(db, life);
  const checkpoints = openCheckpoints(db);
  const pages = openPages(db, path, rememberedTail(db, index));
  const idle = whenIdle(index);

  return {
    append: (cells) => {
      if (index.behind >= INDEX_AT) index.catchUp();
      const results = appends.write(groupFrom(cells));
      idle.postpone();
      return { results, last: appends.last };
    },
    erase: (ask) => ({ result: erasure.erase(ask), last: appends.last }),
    restore: erasure.restore,
    readStream: pages.readStream,
    readAll: pages.readAll,
    last: pages.last,
    claim: ({ names, owner }) => leases.claim(names, owner),
    renew: leases.renew,
    release: (held) => {
      leases.release(held);
      return null;
    },
    checkpoint: checkpoints.get,
    setCheckpoint: checkpoints.set,
    checkpoints: checkpoints.page,
    epochs: openEpochs(db),
    adopt: (ask) => {
      adopt(db, leases, checkpoints, ask);
      return null;
    },
    close: () => {
      idle.stop();
      catchUpIfPossible(index);
      log.close();
      return null;
    },
  };
}

/** Uses a quiet moment to bring the index up to the log, so that a busy one is not interrupted. */
function whenIdle(index: LogIndex): { postpone(): void; stop(): void } {
  let timer: NodeJS.Timeout | null = null;
  const stop = (): void => {
    if (timer !== null) clearTimeout(timer);
    timer = null;
  };
  return {
    stop,
    postpone: () => {
      if (timer !== null) timer.refresh();
      else if (index.behind >= INDEX_WHEN_IDLE_AT) {
        timer = setTimeout(() => {
          timer = null;
          catchUpIfPossible(index);
        }, IDLE_MS);
      }
    },
  };
}

/** A full or failing disk is no harm here: the next append meets it too, and reports it. */
function catchUpIfPossible(index: LogIndex): void {
  try {
    index.catchUp();
  } catch (error) {
    process.emitWarning(`The index of a store could not follow its log yet: ${String(error)}`, {
      code: "WAYBILL_INDEX",
    });
  }
}

const INDEX_AT = 16_384;
const INDEX_WHEN_IDLE_AT = 512;
const IDLE_MS = 50;
