import { resolve } from "node:path";

import { WaybillError } from "@waybill/core";
import type { Incoming, Logger, ReceiveOptions, RunPlan, RunSpec } from "@waybill/core";

import type { FsMailbox } from "./fs-mailbox-type.ts";
import { checkRoot } from "./host/check-root.ts";
import { defaultUids } from "./host/default-uids.ts";
import { keptLetters } from "./host/kept-letters.ts";
import { explain } from "./host/mailbox-failure.ts";
import type { OutboxQuota } from "./host/folder-quota.ts";
import { openSource, recordOf } from "./host/open-source.ts";
import { prepareRun, recordFolders } from "./host/prepare-run.ts";
import { putLetter } from "./host/put-letter.ts";
import { putOldLetter } from "./host/put-old-letter.ts";
import { receiveLoop } from "./host/receive-loop.ts";
import type { ReceiveSettings } from "./host/receive-loop.ts";
import { redriveLetter } from "./host/redrive-letter.ts";
import { extendLease } from "./host/run-lease.ts";
import { siteName } from "./host/site-name.ts";
import { removeRun } from "./host/remove-run.ts";
import { fairTurns } from "./host/turns.ts";
import { eraseSession } from "./host/erase-session.ts";
import { runPaths, sessionPath } from "./host/run-paths.ts";
import type { UidRange } from "./host/session-user.ts";

/** Where a mailbox lies and how it looks at it. */
export interface FsMailboxOptions {
  /** The folder that holds everything; made where it is missing. One mailbox, one folder. */
  readonly root: string;
  /** Default: none. */
  readonly logger?: Logger;
  /** Between sweeps of a busy run's folders, in milliseconds. Default: 250. */
  readonly sweepMs?: number;
  /** Between sweeps of an idle run's folders, in milliseconds. Default: 1,000. */
  readonly idleSweepMs?: number;
  /**
   * Whether to watch folders beside sweeping them. Without it they are polled, 50 to `sweepMs`
   * milliseconds apart. Default: true on Linux.
   */
  readonly watch?: boolean;
  /**
   * How long a number that is missing in a run's sequence, or a file that is held, is waited for, in
   * milliseconds. Default: 2,000.
   */
  readonly gapMs?: number;
  /**
   * The uids that a root host gives to sessions whose runs have users of their own. Default: 100
   * million from 1,900,000,000 on.
   */
  readonly uids?: UidRange;
  /**
   * How much a living run may let lie in its outbox before receiving from it fails with
   * `OUTBOX_OVER_QUOTA`. Default: 100,000 files, 1 GiB.
   */
  readonly outboxQuota?: Partial<OutboxQuota>;
  /**
   * Protocol 0 alone: what an old agent finds as `secrets` on its standard input. Everything in its
   * container can read them, so each use is logged as a warning. Default: none are given.
   */
  readonly secrets?: (run: RunSpec) => Promise<Readonly<Record<string, string>>>;
}

/**
 * A mailbox made of files. It loses nothing, whichever side dies, and trusts nothing that it reads.
 * The README lists the errors by code.
 */
export function fsMailbox(options: FsMailboxOptions): FsMailbox {
  const { logger } = options;
  const root = resolve(options.root);
  const uids = options.uids ?? defaultUids();
  const settings = receiveSettings(options);
  const closing = new AbortController();

  return {
    async check(signal) {
      signal?.throwIfAborted();
      await checkRoot(root, uids, logger);
    },

    prepare: (run) =>
      explained(`prepare run ${run.runId} in`, root, () =>
        prepareRun(run, { root, uids, secrets: (spec) => readSecrets(spec, options) }),
      ),

    async put(plan, letter) {
      const paths = runPaths(root, plan);
      await explained(`put a letter (${letter.type}) into`, paths.run, async () => {
        const { protocol } = recordOf(plan, paths);
        (protocol === 1 ? putLetter : putOldLetter)(paths, letter);
      });
    },

    receive: (plan, { signal, ...how }) =>
      receive(root, settings, plan, { ...how, signal: AbortSignal.any([signal, closing.signal]) }),

    locate: ({ owner, sessionId, runId, epoch }) => ({
      owner,
      sessionId,
      runId,
      epoch,
      ...recordFolders(runPaths(root, { sessionId, runId })),
    }),

    async remove(run) {
      const paths = runPaths(root, run);
      await explained("remove", paths.run, () => removeRun(paths));
    },

    erase: (session) =>
      explained("erase session", sessionPath(root, session), () => eraseSession(root, session)),

    site: () => explained("name", root, async () => siteName(root)),

    leases: {
      now: () => Date.now(),
      async extend(run, until) {
        const paths = runPaths(root, run);
        await explained("extend the lease of", paths.run, async () => extendLease(paths, until));
      },
    },

    deadLetters: (of) =>
      explained("list the dead letters of", root, async () => keptLetters(root, of)),

    redrive: (letter, act) =>
      explained("redrive a dead letter of", root, () => redriveLetter(root, letter, act)),

    async close() {
      closing.abort();
    },
  };
}

function receiveSettings(options: FsMailboxOptions): ReceiveSettings {
  const { sweepMs = 250, idleSweepMs = 1_000, gapMs = 2_000, logger } = options;
  return {
    sweepMs,
    idleSweepMs: Math.max(sweepMs, idleSweepMs),
    watch: options.watch ?? process.platform === "linux",
    gapMs,
    quota: { entries: 100_000, bytes: 1_073_741_824, ...options.outboxQuota },
    turns: fairTurns(),
    logger,
  };
}

async function* receive(
  root: string,
  settings: ReceiveSettings,
  plan: RunPlan,
  { after, follow, signal }: ReceiveOptions,
): AsyncGenerator<readonly Incoming[], void, undefined> {
  const paths = runPaths(root, plan);
  try {
    const source = openSource(plan, paths, {
      after,
      isOver: !follow,
      patienceMs: settings.gapMs,
      quota: settings.quota,
      logger: settings.logger,
    });
    if (source === null) {
      yield [{ type: "caught_up" }];
    } else {
      yield* receiveLoop(source, { follow, signal }, settings);
    }
  } catch (error) {
    throw explain(error, "receive from", paths.run);
  }
}

async function readSecrets(
  run: RunSpec,
  { secrets, logger }: FsMailboxOptions,
): Promise<Readonly<Record<string, string>>> {
  const given = await givenSecrets(run, secrets);
  if (Object.keys(given).length > 0) {
    logger?.warn("Secrets are given to a protocol-0 run, whose every program can read them.", {
      session: run.sessionId,
      run: run.runId,
      names: Object.keys(given),
    });
  }
  return given;
}

async function givenSecrets(
  run: RunSpec,
  secrets: FsMailboxOptions["secrets"],
): Promise<Readonly<Record<string, string>>> {
  try {
    return (await secrets?.(run)) ?? {};
  } catch (error) {
    throw new WaybillError(
      "SECRETS_UNAVAILABLE",
      `The secrets for run ${run.runId} of ${run.agent.slug} could not be had. See the cause; nothing was prepared.`,
      { class: "transient", cause: error, details: { runId: run.runId, agent: run.agent.slug } },
    );
  }
}

async function explained<Result>(
  tried: string,
  path: string,
  act: () => Promise<Result>,
): Promise<Result> {
  try {
    return await act();
  } catch (error) {
    throw explain(error, tried, path);
  }
}
