import { WaybillError } from "@waybill/core";
import { engineAway, excerpt } from "../engine/failure.ts";
import type { Image } from "../engine/image.ts";
import type { Place } from "../place.ts";

/**
 * The image of the settings, pulled first where it is missing and the policy says so; null where it
 * is missing and is not to be pulled. Throws `PULL_FAILED`.
 */
export async function obtainImage(place: Place, signal?: AbortSignal): Promise<Image | null> {
  const { engine, known, settings } = place;
  const image = await known.image(settings.image, signal);
  if (image !== null || settings.pull === "never") return image;
  settings.logger.info("The image is missing and is pulled.", { image: settings.image });
  const result = await engine.pull(settings.image, signal);
  if (!result.ok) {
    const away = engineAway(engine.program, result);
    const said = excerpt(result.stderr);
    // A registry that cannot be reached and an engine that cannot use the same words: look.
    if (away !== null) await engine.info(signal);
    const refused = denied.test(result.stderr);
    throw new WaybillError(
      "PULL_FAILED",
      `The image ${settings.image} could not be pulled. See that its name is right and its registry reachable, or make it with: ${settings.build}. The engine said: ${said}`,
      {
        class: refused ? "permanent" : "transient",
        details: { image: settings.image, said },
      },
    );
  }
  return await known.image(settings.image, signal);
}

const denied = /denied|unauthorized|not found|manifest unknown|does not exist|invalid reference/iu;
