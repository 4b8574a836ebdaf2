import { monitorEventLoopDelay } from "node:perf_hooks";
import type { Mailbox } from "@waybill/core";
import { hear } from "./heard-words.ts";
import type { Ear, HeardWord } from "./heard-words.ts";
import type { HostileContainer } from "./hostile-container.ts";

/** What a flood did to the host and to another session. */
export interface FloodFigures {
  readonly kind: string;
  /** How much came, in words. */
  readonly flood: string;
  readonly loopP50Ms: number;
  /** The same without a flood: what the machine's other work does. */
  readonly quietLoopP50Ms: number;
  readonly loopP99Ms: number;
  /** From the rename in the container to the handler. */
  readonly quietP50Ms: number;
  readonly floodP50Ms: number;
  readonly floodP99Ms: number;
  /** Ticks of the flooding session between another's word and its handler. */
  readonly ticksP50: number;
}

const RESOLUTION_MS = 5;
const SECONDS = 1.2;
const STAMPS = 50;

/** Lets one session flood in three ways while another says little, and measures both. */
export async function measureFlood(options: {
  readonly mailbox: Mailbox;
  readonly flooder: HostileContainer;
  readonly calm: HostileContainer;
  readonly junk: number;
}): Promise<readonly FloodFigures[]> {
  const { mailbox, flooder, calm, junk } = options;
  const flooded = hear(mailbox, flooder.plan);
  const quiet = hear(mailbox, calm.plan);
  await Promise.all([flooder.order("hello"), calm.order("hello")]);
  await Promise.all([flooded.through(1, 1), quiet.through(1, 1)]);
  let next = 2;
  const stamps = async (): Promise<readonly HeardWord[]> => {
    const [from, to] = [next, next + STAMPS - 1];
    next = to + 1;
    await calm.order("stamps", from, to);
    await quiet.through(from, to);
    return quiet.words.filter(({ seq }) => seq >= from);
  };
  const quietLoop = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  quietLoop.enable();
  const quietP50Ms = quantile((await stamps()).map(latency), 0.5);
  quietLoop.disable();
  const quietLoopP50Ms = quietLoop.percentile(50) / 1e6 - RESOLUTION_MS;
  const figures: FloodFigures[] = [];
  for (const [kind, order] of [
    ["words", ["flood", SECONDS, "words", 2]],
    ["events", ["flood", SECONDS, "events"]],
    ["junk files", ["junk", junk]],
  ] as const) {
    const loop = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
    loop.enable();
    const flooding = flooder.order(...order);
    const heard = await stamps();
    const flood = await flooding;
    loop.disable();
    const latencies = heard.map(latency);
    figures.push({
      kind,
      flood,
      // The histogram counts the timer's own interval in.
      loopP50Ms: loop.percentile(50) / 1e6 - RESOLUTION_MS,
      loopP99Ms: loop.percentile(99) / 1e6 - RESOLUTION_MS,
      quietLoopP50Ms,
      quietP50Ms,
      floodP50Ms: quantile(latencies, 0.5),
      floodP99Ms: quantile(latencies, 0.99),
      ticksP50: quantile(
        heard.map((word) => ticksBetween(flooded, word)),
        0.5,
      ),
    });
  }
  await flooded.stop();
  await quiet.stop();
  return figures;
}

function latency({ word, at }: HeardWord): number {
  return at - stampOf(word);
}

function stampOf(word: HeardWord["word"]): number {
  return word.type === "accepted" ? Number(word.message.slice(1)) / 1_000 : Number.NaN;
}

function ticksBetween(flooded: Ear, { word, at }: HeardWord): number {
  const from = stampOf(word);
  return flooded.batches.filter((batch) => batch > from && batch < at).length;
}

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
