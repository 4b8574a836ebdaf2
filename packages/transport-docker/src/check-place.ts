import type { TransportInfo } from "@waybill/core";
import { imageProtocol } from "./engine/image.ts";
import type { Place } from "./place.ts";
import { containerUser } from "./start/container-user.ts";
import { extraMounts } from "./start/extra-mounts.ts";
import { imageProgram } from "./start/image-program.ts";
import { imageMissing } from "./start/start-failure.ts";

/** Resolves if a run could start now: engine, image, program, user and mounts. */
export async function checkPlace(place: Place, signal?: AbortSignal): Promise<TransportInfo> {
  const { engine, settings } = place;
  const [info, image] = await Promise.all([
    engine.info(signal),
    engine.image(settings.image, signal),
  ]);
  if (image === null) throw imageMissing(settings);
  imageProgram(settings, image);
  extraMounts(settings.mounts);
  // The plan brings the user of each run; a user that is set here holds for all of them.
  if (settings.user !== null) await containerUser(settings.user, image, settings, async () => info);
  return { protocol: imageProtocol(image), host: info.name };
}
