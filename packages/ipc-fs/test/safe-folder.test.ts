import { closeSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { describe, expect, test } from "vitest";

import { openLinuxFolder } from "../src/host/linux-folder.ts";
import { openPortableFolder } from "../src/host/portable-folder.ts";

const kinds = [
  { name: "by descriptor (Linux)", open: openLinuxFolder, skip: process.platform !== "linux" },
  { name: "by path (everywhere)", open: openPortableFolder, skip: false },
];

describe.each(kinds)("a folder of an agent, $name", ({ open, skip }) => {
  test.skipIf(skip)("reads a file and tells what is no file apart from nothing", async () => {
    await using place = await temporaryFolder();
    const folder = open(place.path);
    await writeFile(join(place.path, "file"), "content");
    await symlink(join(place.path, "file"), join(place.path, "link"));
    await mkdir(join(place.path, "folder"));
    expect(folder.read("file", 100, false)).toMatchObject({
      type: "file",
      bytes: Buffer.from("content"),
    });
    expect(folder.read("file", 6, false)).toMatchObject({ type: "refused", code: "TOO_LARGE" });
    expect(folder.read("link", 100, false)).toMatchObject({
      type: "refused",
      reason: "It is a link.",
    });
    expect(folder.read("folder", 100, false)).toMatchObject({
      type: "refused",
      reason: "It is a folder.",
    });
    expect(folder.read("nothing", 100, false)).toEqual({ type: "absent" });
    folder.close();
  });

  test.skipIf(skip)("looks at a link without following it, and opens none", async () => {
    await using place = await temporaryFolder();
    const folder = open(place.path);
    await writeFile(join(place.path, "file"), "content");
    await symlink("file", join(place.path, "link"));
    expect(folder.look("file")).toMatchObject({ isFile: true, size: 7 });
    expect(folder.look("link")).toMatchObject({ isFile: false });
    expect(folder.look("nothing")).toBeNull();
    const file = folder.open("file");
    expect(file).not.toBeNull();
    closeSync(file ?? -1);
    expect(folder.open("link")).toBeNull();
    expect(folder.open("nothing")).toBeNull();
    folder.close();
  });

  test.skipIf(skip)("lists a part of many names and says that there are more", async () => {
    await using place = await temporaryFolder();
    const folder = open(place.path);
    for (let index = 0; index < 20; index += 1) await writeFile(join(place.path, `n${index}`), "");
    expect(folder.names(20)).toMatchObject({ all: true });
    const some = folder.names(19);
    expect(some.names).toHaveLength(19);
    expect(some.all).toBe(false);
    folder.close();
  });

  test.skipIf(skip)(
    "removes a file, a link and an empty folder, and not what a link leads to",
    async () => {
      await using place = await temporaryFolder();
      await mkdir(join(place.path, "leaf"));
      const folder = open(join(place.path, "leaf"));
      await writeFile(join(place.path, "kept"), "kept");
      await symlink("../kept", join(place.path, "leaf", "link"));
      await mkdir(join(place.path, "leaf", "empty"));
      await mkdir(join(place.path, "leaf", "full", "inner"), { recursive: true });
      expect(["link", "empty", "full", "nothing"].map((name) => folder.remove(name))).toEqual([
        true,
        true,
        false,
        true,
      ]);
      expect(await readFile(join(place.path, "kept"), "utf8")).toBe("kept");
      folder.close();
    },
  );

  test.skipIf(skip)("is not opened through a link", async () => {
    await using place = await temporaryFolder();
    await symlink(tmpdir(), join(place.path, "link"));
    expect(() => open(join(place.path, "link"))).toThrow(
      expect.objectContaining({ code: "ENOTDIR" }),
    );
  });
});

async function temporaryFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), "waybill-folder-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
}
