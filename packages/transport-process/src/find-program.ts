import { constants } from "node:fs";
import { access, stat } from "node:fs/promises";
import { delimiter, isAbsolute, join, resolve } from "node:path";
import { WaybillError } from "@waybill/core";

/**
 * The program's absolute path: a name is looked up in `path`, a relative path counts from this
 * process's folder. Throws `PROGRAM_MISSING` or `PROGRAM_NOT_EXECUTABLE`.
 */
export async function findProgram(name: string, path: string | undefined): Promise<string> {
  const isPath = isAbsolute(name) || name.includes("/");
  const folders = (path ?? "").split(delimiter).filter((folder) => folder !== "");
  const candidates = isPath ? [resolve(name)] : folders.map((folder) => join(folder, name));
  let closed: string | null = null;
  for (const candidate of candidates) {
    const found = await look(candidate);
    if (found === "executable") return candidate;
    if (found === "closed") closed ??= candidate;
  }
  if (closed !== null) {
    throw new WaybillError(
      "PROGRAM_NOT_EXECUTABLE",
      `The agent's program ${closed} is there but cannot be executed: chmod +x it, or name its interpreter first in \`command\`.`,
      { details: { program: closed } },
    );
  }
  const where = isPath ? "" : ` on PATH (${path ?? "which is not set"})`;
  throw new WaybillError(
    "PROGRAM_MISSING",
    `The agent's program "${name}" was not found${where}: install it, or give its absolute path as the first word of \`command\`.`,
    { details: { program: name } },
  );
}

async function look(path: string): Promise<"executable" | "closed" | "missing"> {
  try {
    if (!(await stat(path)).isFile()) return "missing";
  } catch {
    // Whatever keeps it from being seen keeps it from being executed.
    return "missing";
  }
  try {
    await access(path, constants.X_OK);
    return "executable";
  } catch {
    return "closed";
  }
}
