import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { WaybillError, isWaybillError } from "@waybill/core";
import type { RunPlan, Started } from "@waybill/core";
import type { CommandResult } from "../engine/command.ts";
import type { Image } from "../engine/image.ts";
import type { EngineInfo } from "../engine/info.ts";
import { findContainer } from "../place.ts";
import type { Place } from "../place.ts";
import { hasEnded, recordEngine } from "../records/control.ts";
import { label } from "../records/labels.ts";
import { readMarker } from "../records/marker.ts";
import { containerUser } from "./container-user.ts";
import { extraMounts } from "./extra-mounts.ts";
import { obtainImage } from "./obtain-image.ts";
import { imageProgram } from "./image-program.ts";
import { requireProtocol } from "./require-protocol.ts";
import { runContainer } from "./run-container.ts";
import { settleStart } from "./settle-start.ts";
import { imageMissing, runEnded } from "./start-failure.ts";

/**
 * Starts the run's container, or finds the one that is there. The engine refuses a second container
 * of the same name, the marker refuses a second run after the first one's container is gone, and the
 * record of its end refuses what was stopped.
 */
export async function startRun(
  place: Place,
  plan: RunPlan,
  signal?: AbortSignal,
): Promise<Started> {
  signal?.throwIfAborted();
  if (await hasEnded(plan)) throw runEnded(plan);
  // The order matters: first the marker, then the engine. Where the marker was there and the engine
  // then knows no container, the container is gone and the run over.
  const started =
    (await readMarker(plan)) === null
      ? await startFirst(place, plan, signal)
      : await adopt(place, plan, place.settings.command?.[0] ?? "program");
  // A stop that came in between has not seen this start; but this start sees the stop.
  if (await hasEnded(plan)) throw runEnded(plan);
  return started;
}

async function startFirst(place: Place, plan: RunPlan, signal?: AbortSignal): Promise<Started> {
  const image = await obtainImage(place, signal);
  if (image === null) {
    // An image that was deleted does not undo a start that came before.
    if ((await findContainer(place, plan)) === null) throw imageMissing(place.settings);
    return await adopt(place, plan, "program");
  }
  const argv = imageProgram(place.settings, image);
  requireProtocol(place.settings, plan, image);
  const token = randomUUID();
  const attempt = { image, argv, token };
  const { result, engine } = await runInEngine(place, plan, attempt, signal).catch(orUnknown);
  if (result.ok && (await tookMarker(plan, token))) {
    return { host: engine.name, handle: result.stdout.trim(), already: false };
  }
  return await adopt(place, plan, argv[0] ?? "program", { token, said: result.stderr });
}

/** Whether the start line takes the marker within the few milliseconds that it needs. */
async function tookMarker(plan: RunPlan, token: string): Promise<boolean> {
  for (let look = 0; look < 40; look += 1) {
    const marker = await readMarker(plan);
    if (marker === token) return true;
    if (marker !== null && marker !== "") return false;
    await pause(5);
  }
  return false;
}

/** Finds out what became of a container that this or another starter made. */
async function adopt(
  place: Place,
  plan: RunPlan,
  program: string,
  own: { readonly token: string; readonly said: string } | null = null,
): Promise<Started> {
  const [engine, container] = await Promise.all([
    place.engine.info(),
    settleStart(place, plan, program, own?.said ?? ""),
  ]).catch(orUnknown);
  const already = container.labels[label.token] !== own?.token;
  return { host: engine.name, handle: container.id, already };
}

/** An engine that goes away at this point may have started the run. */
function orUnknown(error: unknown): never {
  if (!isWaybillError(error) || error.code !== "ENGINE_UNAVAILABLE") throw error;
  const { message, details } = error;
  throw new WaybillError(error.code, message, { class: "unknown", details, cause: error });
}

interface Attempt {
  readonly image: Image;
  readonly argv: readonly string[];
  readonly token: string;
}

async function runInEngine(
  place: Place,
  plan: RunPlan,
  { image, argv, token }: Attempt,
  signal?: AbortSignal,
): Promise<{ readonly result: CommandResult; readonly engine: EngineInfo }> {
  const { settings } = place;
  const engine = once(() => place.engine.info(signal));
  const user = await containerUser(plan.user, image, settings, engine);
  const mounts = extraMounts(settings.mounts);
  const request = runContainer(plan, settings, { token, argv, user, mounts, imageId: image.id });
  const probably = place.known.info();
  // Where another engine answers by now, the record names one that never had the run: whoever reads
  // it before it is put right waits, and starts nothing.
  if (probably !== null) await recordEngine(plan, probably.id);
  // The identity is asked for and recorded while the engine is at work, so that the start need not
  // wait; and where it is as good as known, when the program has begun, so as not to get in its way.
  const running = place.engine.run(request, signal);
  const asked = probably === null ? engine() : running.then(engine, engine);
  const [result, recorded] = await Promise.allSettled([
    running,
    asked.then(async (info) => {
      if (info.id !== probably?.id) await recordEngine(plan, info.id);
      place.known.keepInfo(info);
      return info;
    }),
  ]);
  // Its image may be what was missing: the next attempt looks.
  if (result.status === "rejected" || !result.value.ok) place.known.forgetImages();
  if (result.status === "rejected") throw result.reason;
  if (recorded.status === "rejected") throw recorded.reason;
  return { result: result.value, engine: recorded.value };
}

function once<T>(ask: () => Promise<T>): () => Promise<T> {
  let answer: Promise<T> | null = null;
  return () => (answer ??= ask());
}
