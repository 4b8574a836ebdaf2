import { tmpdir } from "node:os";
import { engineCommand } from "../engine/command.ts";
import type { EngineInfo } from "../engine/info.ts";
import type { Image } from "../engine/image.ts";
import { whichEngine } from "../engine/which-engine.ts";
import { settingsOf } from "../options.ts";
import type { DockerTransportOptions } from "../options.ts";
import { failed } from "./finding.ts";
import type { Finding } from "./finding.ts";
import { lookAtDisk } from "./look-at-disk.ts";
import { lookAtEngine } from "./look-at-engine.ts";
import { lookAtImage, lookAtUser } from "./look-at-image.ts";
import { lookAtMounts } from "./look-at-mounts.ts";
import { lookAtQuota } from "./look-at-quota.ts";

/** What to look at beside the transport's options. */
export interface DoctorOptions extends DockerTransportOptions {
  /** Where the mailbox keeps its folders; the write test and the disk are tried there. Default: the temporary folder. */
  readonly folder?: string;
  readonly signal?: AbortSignal;
}

/**
 * Looks at everything that runs of a transport with these options need, by trying it where it can.
 * Never throws for what it finds; where the engine does not answer, that is the only finding.
 */
export async function doctor(options: DoctorOptions): Promise<readonly Finding[]> {
  const settings = settingsOf(options);
  const { folder = tmpdir(), signal } = options;
  const engine = whichEngine(options);
  const command = engineCommand(engine.program, options.host);
  let info: EngineInfo;
  let image: Image | null;
  try {
    [info, image] = await Promise.all([engine.info(signal), engine.image(settings.image, signal)]);
  } catch (error) {
    return [failed("engine", error)];
  }
  const user = await lookAtUser(settings, image, info);
  const told = lookAtEngine(engine.program, info);
  return [
    told.engine,
    lookAtImage(settings, image),
    user,
    ...(image === null ? [] : [await lookAtMounts(command, settings, image, info, folder)]),
    told.liveRestore,
    told.logs,
    told.cgroups,
    await lookAtDisk(folder),
    lookAtQuota(settings),
  ];
}
