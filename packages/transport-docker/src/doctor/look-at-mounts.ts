import { randomBytes } from "node:crypto";
import { chmod, chown, mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { EngineCommand } from "../engine/command.ts";
import type { EngineInfo } from "../engine/info.ts";
import type { Image } from "../engine/image.ts";
import type { Settings } from "../options.ts";
import { containerUser } from "../start/container-user.ts";
import { failed } from "./finding.ts";
import type { Finding } from "./finding.ts";

/** Has a container write a file into a folder of the host, as a run would, and looks at the file. */
export async function lookAtMounts(
  command: EngineCommand,
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
    const result = await command.call(
      [
        "run",
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
      ],
      { timeoutMs: 120_000 },
    );
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
