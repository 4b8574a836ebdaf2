import { isWaybillError } from "@waybill/core";
import type { EngineInfo } from "../engine/info.ts";
import type { Image } from "../engine/image.ts";
import type { Settings } from "../options.ts";
import { containerUser } from "../start/container-user.ts";
import { extraMounts } from "../start/extra-mounts.ts";
import { failed } from "./finding.ts";
import type { Finding } from "./finding.ts";

/** Whether the image is there. */
export function lookAtImage({ image: name, build }: Settings, image: Image | null): Finding {
  if (image === null) {
    const found = `The image ${name} is not there.`;
    return { check: "image", ok: false, found, fix: `Make it with: ${build}` };
  }
  return { check: "image", ok: true, found: `The image ${name} is ${image.id}.`, fix: null };
}

/** Whether the user and the extra mounts of the settings would be taken. */
export async function lookAtUser(
  settings: Settings,
  image: Image | null,
  info: EngineInfo,
): Promise<Finding> {
  try {
    extraMounts(settings.mounts);
    if (image !== null && settings.user !== null) {
      await containerUser(settings.user, image, settings, async () => info);
    }
  } catch (error) {
    return failed(
      isWaybillError(error) && error.code === "MOUNT_REFUSED" ? "mounts" : "user",
      error,
    );
  }
  const uid = settings.user?.uid ?? null;
  const found =
    uid === null ? "Each run gets the user of its plan." : `Every run has the uid ${uid}.`;
  return { check: "user", ok: true, found, fix: null };
}
