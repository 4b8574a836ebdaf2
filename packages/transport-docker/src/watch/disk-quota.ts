import { setTimeout as pause } from "node:timers/promises";
import { execa } from "execa";
import type { RunHandle } from "@waybill/core";
import type { Container } from "../engine/container.ts";
import type { Place } from "../place.ts";
import { recordOverdraft } from "../records/control.ts";

/** How often a run's folders are measured, in milliseconds. */
export const quotaCheckMs = 5_000;

/**
 * Kills the container once what it may write holds more than `diskBytes`, and records why, so that
 * its exit tells. Ends with the signal. The wall is a soft one: what a run writes between two looks
 * comes on top.
 */
export async function keepDiskQuota(
  { engine, settings }: Place,
  run: RunHandle,
  container: Container,
  signal: AbortSignal,
): Promise<void> {
  const { diskBytes, logger } = settings;
  if (diskBytes === null) return;
  for (;;) {
    try {
      const bytes = await diskUse(container.writable, signal);
      if (bytes > diskBytes) {
        logger.warn("A run wrote more than it may, and is killed.", { runId: run.runId, bytes });
        await recordOverdraft(run, bytes);
        await engine.kill(container.id);
      }
      await pause(quotaCheckMs, undefined, { signal, ref: false });
    } catch (error) {
      if (signal.aborted) return;
      // The run goes on: it is the next look that has to succeed.
      logger.warn("The folders of a run could not be measured.", { runId: run.runId, error });
      await pause(quotaCheckMs, undefined, { ref: false });
      if (signal.aborted) return;
    }
  }
}

/**
 * How many bytes these files and folders take on the disk. By `du`: it follows no link that the run
 * swaps in meanwhile, and a million files keep no other session waiting.
 */
async function diskUse(paths: readonly string[], signal: AbortSignal): Promise<number> {
  const args = ["--summarize", "--total", "--block-size=1", "--one-file-system", "--", ...paths];
  const result = await execa("du", args, {
    reject: false,
    stdin: "ignore",
    timeout: 120_000,
    cancelSignal: signal,
    env: { LC_ALL: "C" },
  });
  // Files that vanish while it counts make it fail, with a total all the same.
  const total = /^(\d+)\s+total$/mu.exec(result.stdout)?.[1];
  if (total === undefined) throw new Error(`du said: ${result.stderr.slice(0, 300)}`);
  return Number(total);
}
