// The leases of runs, and the name of the folders that they lie in.
import { readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { expect, test } from "vitest";
import { fsMailbox } from "@waybill/ipc-fs";

import { mailboxFixture, runSpec } from "./mailbox-fixture.ts";

const lease = { ms: 60_000, graceMs: 1_000 };

test("a run's lease has ended until somebody extends it, and its file stays the same file", async () => {
  await using fixture = await mailboxFixture();
  const plan = await fixture.mailbox.prepare(runSpec({ lease }));
  expect(plan.lease).toMatchObject({ ...lease, file: { at: "/waybill/in/lease" } });
  const path = plan.lease?.file.host ?? "";
  const before = await stat(path);
  expect(Number(await readFile(path, "utf8"))).toBe(0);
  const { leases } = fixture.mailbox;
  const until = (leases?.now() ?? 0) + 60_000;
  await leases?.extend(plan, until);
  expect(await readFile(path, "utf8")).toMatch(/^\d{15}\n$/u);
  expect(Number(await readFile(path, "utf8"))).toBe(until);
  const after = await stat(path);
  expect([after.ino, after.size, after.mode & 0o777]).toEqual([before.ino, 16, 0o644]);
});

test("an earlier instant changes nothing, and preparing again keeps what was granted", async () => {
  await using fixture = await mailboxFixture();
  const spec = runSpec({ lease });
  const plan = await fixture.mailbox.prepare(spec);
  const another = await fixture.another();
  await another.leases?.extend(plan, 5_000);
  await fixture.mailbox.leases?.extend(plan, 4_000);
  await another.prepare(spec);
  expect(Number(await readFile(plan.lease?.file.host ?? "", "utf8"))).toBe(5_000);
});

test("a run without a lease has none to extend", async () => {
  await using fixture = await mailboxFixture();
  const plan = await fixture.mailbox.prepare(runSpec());
  expect(plan).not.toHaveProperty("lease");
  await expect(fixture.mailbox.leases?.extend(plan, 1)).rejects.toMatchObject({
    code: "LEASE_MISSING",
  });
});

test("the folders have one name, whoever opens them and wherever they are moved to", async () => {
  await using fixture = await mailboxFixture();
  await using elsewhere = await mailboxFixture();
  const names = await Promise.all([
    fixture.mailbox.site?.("coder"),
    (await fixture.another()).site?.("writer"),
  ]);
  expect(names[0]).toMatch(/^[0-9a-f-]{36}$/u);
  expect(names[1]).toBe(names[0]);
  expect(await elsewhere.mailbox.site?.("coder")).not.toBe(names[0]);
  await rename(fixture.root, `${fixture.root}-moved`);
  const moved = fsMailbox({ root: `${fixture.root}-moved` });
  expect(await moved.site?.("coder")).toBe(names[0]);
  await rm(`${fixture.root}-moved`, { recursive: true });
});

test("a name that cannot be read is not made anew", async () => {
  await using fixture = await mailboxFixture();
  await fixture.mailbox.site?.("coder");
  await writeFile(join(fixture.root, "mailbox.json"), '{"v":1');
  await expect(fixture.mailbox.site?.("coder")).rejects.toMatchObject({ code: "MAILBOX_FAILED" });
});
