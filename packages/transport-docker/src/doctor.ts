import { randomBytes } from "node:crypto";
import { chmod, chown, mkdtemp, readFile, rm, stat, statfs } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isWaybillError } from "@waybill/core";
import { engineCommand } from "./engine/command.ts";
import { engineOf } from "./engine/engine.ts";
import type { Engine } from "./engine/engine.ts";
import type { EngineInfo } from "./engine/info.ts";
import type { Image } from "./engine/image.ts";
import { settingsOf } from "./options.ts";
import type { DockerTransportOptions, Settings } from "./options.ts";
import { containerUser } from "./start/container-user.ts";
import { extraMounts } from "./start/extra-mounts.ts";

/** One thing that `doctor` looked at. */
export interface Finding {
  readonly check: DoctorCheck;
  /** False where runs fail or are not contained; a warning leaves it true and has a fix. */
  readonly ok: boolean;
  /** What was found, in a sentence. */
  readonly found: string;
  /** What to do about it; null where nothing needs to be done. */
  readonly fix: string | null;
}

/** What `doctor` looks at, in this order. */
export type DoctorCheck =
  | "engine"
  | "image"
  | "user"
  | "mounts"
  | "live-restore"
  | "log-limits"
  | "cgroups"
  | "disk";

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
  const engine = engineOf(engineCommand(options.engine ?? "docker", options.host));
  let info: EngineInfo;
  let image: Image | null;
  try {
    [info, image] = await Promise.all([engine.info(signal), engine.image(settings.image, signal)]);
  } catch (error) {
    return [failed("engine", error)];
  }
  const user = await lookAtUser(settings, image, info);
  return [
    lookAtEngine(engine, info),
    lookAtImage(settings, image),
    user,
    ...(image === null ? [] : [await lookAtMounts(engine, settings, image, info, folder)]),
    lookAtLiveRestore(info),
    lookAtLogs(info),
    lookAtCgroups(info),
    await lookAtDisk(folder),
  ];
}

function lookAtEngine({ program }: Engine, info: EngineInfo): Finding {
  const kind = info.rootless ? "rootless" : "rootful";
  const found = `"${program}" ${info.version} answers on ${info.name}, ${kind}.`;
  if (info.remote) {
    const fix = "Run the orchestrator on the machine of the engine: its folders are mounted there.";
    return { check: "engine", ok: false, found: `${found} It is on another machine.`, fix };
  }
  return { check: "engine", ok: true, found, fix: null };
}

function lookAtImage({ image: name, build }: Settings, image: Image | null): Finding {
  if (image === null) {
    const found = `The image ${name} is not there.`;
    return { check: "image", ok: false, found, fix: `Make it with: ${build}` };
  }
  return { check: "image", ok: true, found: `The image ${name} is ${image.id}.`, fix: null };
}

async function lookAtUser(
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

/** Has a container write a file into a folder of the host, as a run would, and looks at the file. */
async function lookAtMounts(
  engine: Engine,
  settings: Settings,
  image: Image,
  info: EngineInfo,
  parent: string,
): Promise<Finding> {
  const check = "mounts";
  const isRoot = process.getuid?.() === 0;
  const own = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  const user = settings.user ?? (isRoot ? nobody : own);
  let folder: string | null = null;
  try {
    folder = await mkdtemp(join(parent, "waybill-doctor-"));
    await chmod(folder, 0o700);
    if (isRoot) await chown(folder, user.uid, user.gid);
    const inside = await containerUser(user, image, { ...settings, user: null }, async () => info);
    const word = randomBytes(8).toString("hex");
    const result = await engine.run([
      "--rm",
      "--pull=never",
      "--network=none",
      "--cap-drop=ALL",
      `--user=${inside ?? "0:0"}`,
      "--security-opt=no-new-privileges",
      "--ulimit=nofile=1024",
      "--ulimit=nproc=32768",
      `--mount=type=bind,"source=${folder.replaceAll('"', '""')}",target=/waybill-doctor`,
      "--entrypoint=/bin/sh",
      image.id,
      "-c",
      'echo "$1" >/waybill-doctor/word',
      "sh",
      word,
    ]);
    const there = await readFile(join(folder, "word"), "utf8").catch(() => "");
    if (result.ok && there.trim() === word) {
      const { uid } = await stat(join(folder, "word"));
      return {
        check,
        ok: true,
        found: `A container wrote into ${parent} as uid ${uid}.`,
        fix: null,
      };
    }
    const said = result.stderr.trim().slice(-300);
    const found = `A container could not write into ${parent}${result.ok ? ", or another folder was mounted" : ""}. ${said}`;
    const fix = `See that the engine runs on this machine, shares ${parent}, and that uid ${user.uid} may write in what it is given.`;
    return { check, ok: false, found: found.trim(), fix };
  } catch (error) {
    return failed(check, error);
  } finally {
    if (folder !== null) await rm(folder, { recursive: true, force: true });
  }
}

/** No account's. */
const nobody = { uid: 1_899_999_999, gid: 1_899_999_999 };

function lookAtLiveRestore({ liveRestore }: EngineInfo): Finding {
  const check = "live-restore";
  if (liveRestore === null) {
    return { check, ok: true, found: "This engine has no daemon that could end runs.", fix: null };
  }
  if (liveRestore)
    return { check, ok: true, found: "Runs outlive a restart of the engine.", fix: null };
  const found = "A restart of the engine ends every run; sessions go on with a new one.";
  return { check, ok: true, found, fix: 'Set "live-restore": true in /etc/docker/daemon.json.' };
}

function lookAtLogs({ loggingDriver }: EngineInfo): Finding {
  // Every run names its own driver and limits; the engine's default concerns others alone.
  const found = `Every run has its own limit of 16 MB; the engine's default driver is ${loggingDriver}.`;
  return { check: "log-limits", ok: true, found, fix: null };
}

function lookAtCgroups({ cgroups, missing }: EngineInfo): Finding {
  const check = "cgroups";
  if (missing.length === 0) {
    const found = `Cgroups ${cgroups} limit memory and processes.`;
    return { check, ok: true, found, fix: null };
  }
  const found = `Cgroups ${cgroups} cannot limit: ${missing.join(", ")}.`;
  const fix =
    "Boot with the missing controllers, or delegate them to the user of a rootless engine.";
  return { check, ok: false, found, fix };
}

async function lookAtDisk(folder: string): Promise<Finding> {
  const check = "disk";
  try {
    const { bavail, bsize, ffree } = await statfs(folder);
    const free = (bavail * bsize) / 1024 ** 3;
    const found = `${free.toFixed(1)} GiB and ${ffree} files are free at ${folder}.`;
    const ok = free >= 1 && (ffree === 0 || ffree >= 10_000);
    return {
      check,
      ok,
      found,
      fix: ok ? null : "Free some space, or give the mailbox another disk.",
    };
  } catch (error) {
    return failed(check, error);
  }
}

/** What was thrown, as a finding: our messages end with the fix. */
function failed(check: DoctorCheck, error: unknown): Finding {
  const message = error instanceof Error ? error.message : String(error);
  const fix = isWaybillError(error)
    ? message.slice(message.indexOf(". ") + 2)
    : "See the message of the system.";
  return { check, ok: false, found: message, fix };
}
