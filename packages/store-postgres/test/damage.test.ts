import { execFileSync } from "node:child_process";
import { chown, mkdir, mkdtemp, open, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { NewEvent } from "@waybill/core";
import { postgresStore } from "@waybill/store-postgres";
import { describeWithPostgres } from "../../../integration/postgres-server.ts";
import { all, newEvent, newEvents } from "./events.ts";
import { rawClient } from "./raw-client.ts";
import { newSchema } from "./schemas.ts";

const reason = process.getuid?.() === 0 ? mountError() : "only root can mount a small disk";

await describeWithPostgres("a server whose disk fails it", (server) => {
  test("on a full disk appends are STORE_FULL, nothing acknowledged is lost, and all is well once there is space", async ({
    skip,
  }) => {
    skip(reason !== null, reason ?? "");
    await using raw = await rawClient(server().url, "public");
    const data = await stat(await dataFolder(raw));
    await using disk = await smallDisk(12, data);
    await raw.query(`CREATE TABLESPACE small LOCATION '${disk.path}'`);
    await raw.query("ALTER ROLE waybill SET default_tablespace TO small");
    const schema = newSchema();
    await using store = postgresStore({ url: server().url, schema });
    await store.open();
    await raw.query("ALTER ROLE waybill RESET default_tablespace");
    const ballast = join(disk.path, "ballast");
    await writeFile(ballast, Buffer.alloc(4_000_000));

    const acknowledged: string[] = [];
    const refused = new Map<string, readonly NewEvent[]>();
    await Promise.all(["a", "b", "c", "d"].map(fill));
    const inOrder = async (): Promise<readonly string[]> =>
      (await all(store.readAll())).map(({ id }) => id).toSorted();
    expect(refused.size).toBe(4);
    expect(await inOrder()).toEqual(acknowledged.toSorted());

    await rm(ballast);
    for (const [stream, events] of refused) {
      const again = await store.append(stream, "any", events);
      expect(again).toMatchObject({ ok: true, repeated: false });
      acknowledged.push(...events.map(({ id }) => id));
    }
    expect(await inOrder()).toEqual(acknowledged.toSorted());
    await store.close();
    // The server must not look for it any more once it is unmounted.
    await raw.query(`DROP SCHEMA ${schema} CASCADE`);
    await raw.query("DROP TABLESPACE small");

    /** Appends to the stream until it has met the full disk. */
    async function fill(stream: string): Promise<void> {
      while (!refused.has(stream)) {
        // Random, since the server would compress anything else.
        const text = Buffer.from(crypto.getRandomValues(new Uint8Array(15_000))).toString("base64");
        const events = [newEvent({ text }), newEvent()];
        try {
          await store.append(stream, "any", events);
          acknowledged.push(...events.map(({ id }) => id));
        } catch (error) {
          expect(error).toMatchObject({ code: "STORE_FULL", class: "transient" });
          refused.set(stream, events);
        }
      }
    }
  }, 120_000);

  test("a damaged page is STORE_CORRUPT when it is read, and the error says what to do", async () => {
    const schema = newSchema();
    await using store = postgresStore({ url: server().url, schema });
    await store.open();
    for (let round = 0; round < 10; round += 1) await store.append("s", "any", newEvents(100));
    const file = await rawFile(schema);
    await server().stop("fast");
    const restore = await overwrite(file, 8192, Buffer.alloc(8192, 0xa5));
    await server().start();
    for (const read of [store.read("s"), store.readAll()]) {
      await expect(all(read)).rejects.toMatchObject({
        code: "STORE_CORRUPT",
        class: "permanent",
        message: expect.stringMatching(/Restore them from a backup/),
      });
    }
    await server().stop("fast");
    await restore();
    await server().start();
    expect(await all(store.read("s"))).toHaveLength(1000);

    async function rawFile(name: string): Promise<string> {
      await using raw = await rawClient(server().url, name);
      const { rows } = await raw.query("SELECT pg_relation_filepath('events') AS path");
      return join(await dataFolder(raw), String(rows[0]?.path));
    }
  }, 60_000);
});

async function dataFolder(raw: Awaited<ReturnType<typeof rawClient>>): Promise<string> {
  return String((await raw.query("SHOW data_directory")).rows[0]?.data_directory);
}

/** Gives what puts the bytes back. */
async function overwrite(path: string, at: number, bytes: Buffer): Promise<() => Promise<void>> {
  const file = await open(path, "r+");
  const before = Buffer.alloc(bytes.length);
  await file.read(before, 0, bytes.length, at);
  await file.write(bytes, 0, bytes.length, at);
  await file.close();
  return async () => {
    const again = await open(path, "r+");
    await again.write(before, 0, before.length, at);
    await again.close();
  };
}

/** A file system of so many megabytes that the server's user may write, unmounted at the end. */
async function smallDisk(
  megabytes: number,
  { uid, gid }: { readonly uid: number; readonly gid: number },
): Promise<AsyncDisposable & { readonly path: string }> {
  const folder = await mkdtemp(join(tmpdir(), "wb-disk-"));
  await chown(folder, uid, gid);
  const path = join(folder, "small");
  await mkdir(path);
  execFileSync("mount", ["-t", "tmpfs", "-o", `size=${megabytes}m`, "tmpfs", path]);
  await chown(path, uid, gid);
  return {
    path,
    [Symbol.asyncDispose]: async () => {
      execFileSync("umount", ["--lazy", path]);
      await rm(folder, { recursive: true, force: true });
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
