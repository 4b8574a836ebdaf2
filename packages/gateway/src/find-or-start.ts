import { setTimeout as delay } from "node:timers/promises";
import { WaybillError, isWaybillError } from "@waybill/core";
import { connectControl } from "./control-link.ts";
import type { ControlLink } from "./control-link.ts";
import { CONTROL_VERSION } from "./control-words.ts";
import type { Hello } from "./control-words.ts";
import { startProcess } from "./start-process.ts";

/** How long starting, waiting for a rival's start and replacing an old version may take together. */
const START_MS = 20_000;

/** Where to look, and what a process that has to be started is told. */
export interface FindOptions {
  /** Absolute, prepared. */
  readonly root: string;
  readonly idleMs: number;
  readonly signal?: AbortSignal | undefined;
  readonly onStart?: (hello: Hello) => void;
}

/**
 * Connects to the gateway's process of this root and starts one where none answers. Of several
 * starters one wins by the lock, and all of them find the winner. Throws `GATEWAY_VERSION_MISMATCH`,
 * `GATEWAY_START_FAILED` or `GATEWAY_UNRESPONSIVE`.
 */
export async function findOrStart(options: FindOptions): Promise<ControlLink> {
  const { root, idleMs, signal } = options;
  const deadline = performance.now() + START_MS;
  let started = false;
  while (performance.now() < deadline) {
    signal?.throwIfAborted();
    const link = await connectControl(root);
    if (link !== null) {
      const hello = await greet(link, root);
      if (hello !== null) {
        if (started) options.onStart?.(hello);
        return link;
      }
    } else if ((await startProcess(root, idleMs)) === "ready") {
      started = true;
      continue;
    }
    // Another one is starting, or ending: it is found, or its lock is free, in a moment.
    await delay(20, undefined, { signal });
  }
  throw new WaybillError(
    "GATEWAY_UNRESPONSIVE",
    `A process holds the lock of ${root} and cannot be reached by its socket. End the process whose id is in ${root}/pid and try again.`,
    { class: "transient", details: { root } },
  );
}

/** Null where the process is about to end: it was ending already, or was replaceable and was told to. */
async function greet(link: ControlLink, root: string): Promise<Hello | null> {
  try {
    const { hello } = await link.call({ call: "hello" });
    if (hello?.version === CONTROL_VERSION) return hello;
    if (hello === undefined || hello.runs > 0) throw mismatch(root, hello);
    await link.call({ call: "stop" });
    await link.ended();
    return null;
  } catch (error) {
    link.close();
    if (isWaybillError(error) && error.code === "GATEWAY_CONNECTION_LOST") return null;
    throw error;
  }
}

function mismatch(root: string, hello: Hello | undefined): WaybillError {
  return new WaybillError(
    "GATEWAY_VERSION_MISMATCH",
    `The gateway's process in ${root} speaks version ${hello?.version ?? "unknown"}, this one ${CONTROL_VERSION}, and ${hello?.runs ?? "some"} runs still use it. Let them end, or choose another root.`,
    { details: { root, version: hello?.version ?? null, runs: hello?.runs ?? null } },
  );
}
