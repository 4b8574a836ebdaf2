import { WaybillError } from "@waybill/core";
import type { RunPlan } from "@waybill/core";
import type { Image } from "../engine/image.ts";
import type { EngineInfo } from "../engine/info.ts";
import type { Settings } from "../options.ts";

/**
 * The `--user` of a run, or null where the image's own user is right. Throws `ROOT_REFUSED` where
 * that would be root on the host: root in a container of a rootful engine writes files as the host's
 * root, setuid ones too.
 *
 * @param engine asked only where the answer depends on it: a start should not wait for it.
 */
export async function containerUser(
  user: RunPlan["user"],
  image: Image,
  settings: Settings,
  engine: () => Promise<EngineInfo>,
): Promise<string | null> {
  const wanted = settings.user ?? user;
  if (wanted === null) {
    const [name = ""] = image.user.split(":");
    if (name === "" || name === "root" || /^0+$/u.test(name)) {
      refuseRoot(`the image ${settings.image} runs as root`, settings, await engine());
    }
    return null;
  }
  // A rootless engine maps the host's user, who owns the run's folders, to root inside.
  if (wanted.uid === process.getuid?.() && (await engine()).rootless) return "0:0";
  if (wanted.uid === 0) refuseRoot("the run's user is 0", settings, await engine());
  return `${wanted.uid}:${wanted.gid}`;
}

/** Throws `ROOT_REFUSED` unless root inside is harmless here, or allowed. */
function refuseRoot(why: string, settings: Settings, engine: EngineInfo): void {
  if (engine.rootless || settings.allowRoot) return;
  throw new WaybillError(
    "ROOT_REFUSED",
    `A run of ${settings.image} would be root on this host: ${why}, and the engine ${engine.name} is rootful. Give the run a user other than 0, use a rootless engine, or set allowRoot.`,
    { details: { image: settings.image, engine: engine.name } },
  );
}
