import { symlink } from "node:fs/promises";
import { hostname } from "node:os";
import { expect, test } from "vitest";
import { sqliteStore } from "@waybill/store-sqlite";
import { newEvents } from "./events.ts";
import { runProgram } from "./program.ts";
import { temporaryFolder } from "./temporary-folder.ts";

test("a second process is refused with STORE_IN_USE and the first one's process id", async () => {
  await using folder = await temporaryFolder();
  const path = folder.file("waybill.db");
  await using holder = runProgram("hold", [path]);
  expect(await holder.nextLine()).toBe(`holding ${holder.process.pid}`);
  const store = sqliteStore({ path, lockWaitMs: 50 });
  await expect(store.open()).rejects.toMatchObject({
    code: "STORE_IN_USE",
    message: expect.stringContaining(`process ${holder.process.pid} on ${hostname()}`),
    details: { path, pid: holder.process.pid, host: hostname(), since: expect.any(Number) },
  });
  await expect(store.append("s", "any", newEvents(1))).rejects.toMatchObject({
    code: "STORE_CLOSED",
  });
  await store.close();
});

test("a store can be opened at once when its owner was killed with SIGKILL", async () => {
  await using folder = await temporaryFolder();
  const path = folder.file("waybill.db");
  for (let round = 0; round < 5; round += 1) {
    await using holder = runProgram("hold", [path]);
    expect(await holder.nextLine()).toBe(`holding ${holder.process.pid}`);
    holder.process.kill("SIGKILL");
    await holder.ended;
    const store = sqliteStore({ path, lockWaitMs: 0 });
    await store.open();
    await store.close();
  }
});

test("a second store of the same process is refused too, and does not break the first one's lock", async () => {
  await using folder = await temporaryFolder();
  const path = folder.file("waybill.db");
  const store = sqliteStore({ path });
  await store.open();
  const second = sqliteStore({ path, lockWaitMs: 0 });
  await expect(second.open()).rejects.toMatchObject({
    code: "STORE_IN_USE",
    message: expect.stringContaining(`this process (pid ${process.pid})`),
  });
  await store.backup(folder.file("backup.db"));
  await using other = runProgram("hold", [path, "0"]);
  expect(await other.nextLine()).toContain(
    `refused STORE_IN_USE The store ${path} is in use by process ${process.pid}`,
  );
  await store.close();
  await second.open();
  await second.close();
});

test("two names of one file are one store", async () => {
  await using folder = await temporaryFolder();
  const path = folder.file("waybill.db");
  const store = sqliteStore({ path });
  await store.open();
  await symlink(path, folder.file("link.db"));
  await symlink(folder.path, folder.file("linked-folder"));
  for (const name of ["link.db", "linked-folder/waybill.db"]) {
    const second = sqliteStore({ path: folder.file(name), lockWaitMs: 0 });
    await expect(second.open()).rejects.toMatchObject({ code: "STORE_IN_USE" });
  }
  await store.close();
  await symlink(folder.file("nothing.db"), folder.file("dangling.db"));
  await expect(sqliteStore({ path: folder.file("dangling.db") }).open()).rejects.toMatchObject({
    code: "STORE_PATH_UNWRITABLE",
  });
});

test("of six processes that open a new store at the same moment exactly one gets it", async () => {
  await using folder = await temporaryFolder();
  const path = folder.file("waybill.db");
  const contenders = Array.from({ length: 6 }, () => runProgram("hold", [path, "200"]));
  try {
    const words = await Promise.all(contenders.map((contender) => contender.nextLine()));
    const winners = words.filter((word) => word.startsWith("holding"));
    expect(winners).toHaveLength(1);
    const pid = winners[0]?.split(" ")[1] ?? "";
    const refusal = `refused STORE_IN_USE The store ${path} is in use by process ${pid} `;
    for (const word of words) if (word !== winners[0]) expect(word).toContain(refusal);
  } finally {
    for (const contender of contenders) await contender[Symbol.asyncDispose]();
  }
});

test("open() waits for an owner that is just letting go", async () => {
  await using folder = await temporaryFolder();
  const path = folder.file("waybill.db");
  const first = sqliteStore({ path });
  await first.open();
  const second = sqliteStore({ path, lockWaitMs: 20_000 });
  const opening = second.open();
  await first.append("s", "none", newEvents(1));
  await first.close();
  await opening;
  await second.close();
});

test("a store that is idle and not closed does not keep the process alive, and prints no warning", async () => {
  await using folder = await temporaryFolder();
  await using program = runProgram("forget-to-close", [folder.file("waybill.db")]);
  expect(await program.nextLine()).toBe("appended");
  expect(await program.ended).toEqual({ code: 0, stderr: "" });
});
