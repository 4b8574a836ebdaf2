import { execFileSync } from "node:child_process";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { isWaybillError } from "@waybill/core";
import type { NewEvent } from "@waybill/core";
import { sqliteStore } from "@waybill/store-sqlite";
import { all, newEvent, newEvents } from "./events.ts";
import { temporaryFolder } from "./temporary-folder.ts";

const reason = process.getuid?.() === 0 ? mountError() : "only root can mount a small disk";

test("on a full disk appends are STORE_FULL, nothing acknowledged is lost, and all is well once there is space", async ({
  skip,
}) => {
  skip(reason !== null, reason ?? "");
  await using folder = await temporaryFolder();
  await using disk = await smallDisk(folder.file("disk"), 8);
  const path = `${disk.path}/waybill.db`;
  const store = sqliteStore({ path });
  await store.open();
  await writeFile(`${disk.path}/ballast`, Buffer.alloc(3_000_000));

  const acknowledged: string[] = [];
  const refused = new Map<string, readonly NewEvent[]>();
  for (let round = 0; round < 3; round += 1) {
    const failures = await fill(acknowledged);
    expect(failures.length).toBeGreaterThan(0);
    for (const failure of failures) {
      expect(failure).toMatchObject({
        code: "STORE_FULL",
        class: "transient",
        message: expect.stringContaining(path),
      });
    }
    expect((await all(store.readAll())).map((event) => event.id)).toEqual(acknowledged);
  }

  await rm(`${disk.path}/ballast`);
  for (const [stream, events] of refused) {
    const { length } = await all(store.read(stream));
    const again = await store.append(stream, length, events);
    expect(again).toMatchObject({ ok: true, repeated: false, version: length + events.length });
    acknowledged.push(...events.map((event) => event.id));
  }
  await store.close();
  const again = sqliteStore({ path, check: "full" });
  await again.open();
  expect((await all(again.readAll())).map((event) => event.id)).toEqual(acknowledged);
  await again.close();

  /** Appends from four clients until each has met the full disk twice. */
  async function fill(ids: string[]): Promise<readonly unknown[]> {
    const failures: unknown[] = [];
    const clients = Array.from({ length: 4 }, async (_, client) => {
      const stream = `s-${client}`;
      for (let failed = 0; failed < 2;) {
        const events = [newEvent({ text: "x".repeat(20_000) }), newEvent()];
        try {
          const appended = await store.append(stream, "any", events);
          if (appended.ok) ids.push(...appended.events.map((event) => event.id));
        } catch (error) {
          if (!isWaybillError(error)) throw error;
          failed += 1;
          failures.push(error);
          refused.set(stream, events);
        }
      }
    });
    await Promise.all(clients);
    return failures;
  }
}, 120_000);

test("a new store on a full disk is STORE_FULL, and opens once there is space", async ({
  skip,
}) => {
  skip(reason !== null, reason ?? "");
  await using folder = await temporaryFolder();
  await using disk = await smallDisk(folder.file("disk"), 1);
  await writeFile(`${disk.path}/ballast`, Buffer.alloc(1024 * 1024 - 8192));
  const store = sqliteStore({ path: `${disk.path}/waybill.db` });
  await expect(store.open()).rejects.toMatchObject({ code: "STORE_FULL", class: "transient" });
  await rm(`${disk.path}/ballast`);
  await store.open();
  expect((await store.append("s", "none", newEvents(1))).ok).toBe(true);
  await store.close();
});

/** A file system of so many megabytes, unmounted at the end. */
async function smallDisk(
  path: string,
  megabytes: number,
): Promise<AsyncDisposable & { readonly path: string }> {
  await mkdir(path);
  execFileSync("mount", ["-t", "tmpfs", "-o", `size=${megabytes}m`, "tmpfs", path]);
  return {
    path,
    [Symbol.asyncDispose]: async () => {
      execFileSync("umount", ["--lazy", path]);
    },
  };
}

/** Why this machine cannot mount, or null: a container may forbid it even to root. */
function mountError(): string | null {
  try {
    execFileSync("unshare", ["--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt"], {
      stdio: "pipe",
    });
    return null;
  } catch (error) {
    return `this machine does not let root mount: ${String(error)}`;
  }
}
