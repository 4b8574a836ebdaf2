import { mkdir, mkdtemp, rm, symlink } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { extraMounts } from "../src/start/extra-mounts.ts";

let root = "";
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "waybill-mounts-"));
  await mkdir(join(root, "guarded/inside"), { recursive: true });
  await mkdir(join(root, "guarded-not"));
  await symlink(join(root, "guarded/inside"), join(root, "link"));
  await symlink("/etc/ssl", join(root, "harmless"));
});
afterAll(() => rm(root, { recursive: true }));

const codeOf = (host: string, guarded?: readonly string[]): unknown => {
  try {
    return extraMounts([{ host, at: "/x" }], guarded)[0];
  } catch (error) {
    return (error as { code: string }).code;
  }
};

describe("an extra mount", () => {
  test("is read-only unless it says otherwise, and named by its real path", () => {
    expect(codeOf(join(root, "harmless"))).toEqual({ host: "/etc/ssl", at: "/x", write: false });
  });

  test("is refused at, inside, around and through a link to a guarded place", () => {
    const guarded = [join(root, "guarded")];
    for (const name of ["guarded", "guarded/inside", "link", "."]) {
      expect(codeOf(join(root, name), guarded)).toBe("MOUNT_REFUSED");
    }
    expect(codeOf(join(root, "guarded-not"), guarded)).toMatchObject({ write: false });
  });

  test("is refused for the host's own secrets and its engine", () => {
    for (const path of ["/", "/etc", "/proc", "/run", "/var/lib", homedir()]) {
      expect(codeOf(path)).toBe("MOUNT_REFUSED");
    }
  });

  test("is refused where its source is missing, since the engine would make it", () => {
    expect(codeOf(join(root, "missing"))).toBe("MOUNT_REFUSED");
  });
});
