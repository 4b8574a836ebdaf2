import { setTimeout as delay } from "node:timers/promises";
import { WaybillError, isWaybillError } from "@waybill/core";
import type { Logger } from "@waybill/core";
import type { Answer, ControlLink } from "./control-link.ts";
import type { ControlCall, CredentialRefused } from "./control-words.ts";
import { findOrStart } from "./find-or-start.ts";

/** When to look after a process that was lost, in milliseconds after each failure. */
const HEAL_AFTER_MS = [20, 500, 5_000, 30_000];

/** What the link needs to know of its user. */
export interface KeepLinkOptions {
  readonly root: string;
  readonly idleMs: number;
  readonly logger: Logger;
  /** Whether a lost process is missed, so that it is started again without being asked. */
  readonly isNeeded: () => boolean;
  /** Called when a lost process is back, which knows no credential. */
  readonly onReturn: () => Promise<void>;
  /** Called when an upstream refused a credential. */
  readonly onRefused: (refused: CredentialRefused) => void;
}

/** A link to the process of one root that comes back when it is lost. */
export interface KeptLink {
  /** Resolves once a process answers; starts it if need be. */
  ensure(signal?: AbortSignal): Promise<void>;
  /** Calls are made in the order in which they were asked for, and once more if the process died. */
  call(call: ControlCall): Promise<void>;
  /** As `call`, beside all others: for what may take long. */
  ask(call: ControlCall): Promise<Answer>;
  close(): void;
}

/** Keeps a link: runs in flight must not wait for somebody's next call after the process crashed. */
export function keepLink(options: KeepLinkOptions): KeptLink {
  const { root, idleMs, logger, isNeeded, onReturn, onRefused } = options;
  const closing = new AbortController();
  let current: ControlLink | null = null;
  let opening: Promise<ControlLink> | null = null;
  let queue: Promise<unknown> = Promise.resolve();

  const find = async (): Promise<ControlLink> => {
    const link = await findOrStart({
      root,
      idleMs,
      signal: closing.signal,
      onStart: ({ pid }) => logger.info("The gateway's process was started.", { root, pid }),
    });
    link.onLost(() => void heal());
    link.onRefused(onRefused);
    if (closing.signal.aborted) link.close();
    return (current = link);
  };
  const ensure = async (): Promise<ControlLink> => {
    if (closing.signal.aborted) throw closed(root);
    if (current?.open === true) return current;
    opening ??= find().finally(() => {
      opening = null;
    });
    return opening;
  };
  const callOnce = async (call: ControlCall): Promise<Answer> => {
    const link = await ensure();
    return link.call(call);
  };
  // Every call may be repeated safely, so one that was lost with its process is simply made again.
  const callTwice = (call: ControlCall): Promise<Answer> =>
    callOnce(call).catch((error: unknown) => {
      if (!isWaybillError(error) || error.code !== "GATEWAY_CONNECTION_LOST") throw error;
      return callOnce(call);
    });

  const heal = async (): Promise<void> => {
    for (const wait of HEAL_AFTER_MS) {
      await delay(wait, undefined, { ref: false });
      if (closing.signal.aborted || !isNeeded()) return;
      try {
        await ensure();
        await onReturn();
        return logger.warn("The gateway's process was lost and is back.", { root });
      } catch (error) {
        if (closing.signal.aborted) return;
        const reason = error instanceof Error ? error.message : String(error);
        logger.error("The gateway's process was lost and is not back yet.", { root, reason });
      }
    }
  };

  return {
    ensure: async (signal) => void (await unlessAborted(ensure(), signal)),
    async call(call) {
      const turn = queue.then(() => callTwice(call));
      queue = turn.catch(() => undefined);
      await turn;
    },
    ask: callTwice,
    close() {
      closing.abort(closed(root));
      current?.close();
    },
  };
}

async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work;
  signal.throwIfAborted();
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const abort = (): void => reject(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

function closed(root: string): WaybillError {
  return new WaybillError("GATEWAY_CLOSED", `The gateway of ${root} was closed: make a new one.`, {
    details: { root },
  });
}
