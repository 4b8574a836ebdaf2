// The dashboard over a real store, while its owner works.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { createOrchestrator } from "@waybill/core";
import { chat, fakeTracker, fakeWorld, operation, reply } from "@waybill/core/testing";
import { sqliteStore } from "@waybill/store-sqlite";
import { openDashboard } from "./dashboard.ts";

const folders: string[] = [];
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "waybill-dashboard-"));
  folders.push(folder);
  return folder;
}

test("shows what happens in a store that another owns, without asking again", async () => {
  const path = join(await newFolder(), "waybill.db");
  const world = fakeWorld(
    { coder: [operation(chat("7", "<b>hi</b>")), reply("ok", { costUsd: 1 })] },
    { store: sqliteStore({ path }), tracker: () => fakeTracker({ chats: ["7"] }) },
  );
  await using orchestrator = await createOrchestrator(world.ports());
  await using dashboard = await openDashboard({ path });
  const html = await (await fetch(dashboard.url)).text();
  expect(html).toContain("<title>Waybill</title>");
  const events = await fetch(`${dashboard.url}events`);
  const tables = events.body?.pipeThrough(new TextDecoderStream()).getReader();
  expect(JSON.parse((await tables?.read())?.value?.slice(6) ?? "")).toMatchObject({ sessions: [] });

  const policy = { approve: ["chat.send" as const] };
  const session = await orchestrator.open({
    id: "task-1",
    agent: "coder",
    scope: { chats: ["7"] },
    policy,
  });
  await session.send("go");
  const overview = async (): Promise<unknown> =>
    (await fetch(`${dashboard.url}overview.json`)).json();
  const waiting = {
    sessions: [{ id: "task-1", status: "asking", messages: 1 }],
    approvals: [{ session: "task-1", operation: chat("7", "<b>hi</b>") }],
  };
  await expect.poll(overview, { timeout: 10_000 }).toMatchObject(waiting);
  let told = "";
  while (!told.includes("<b>hi</b>"))
    told = (await tables?.read())?.value ?? "<b>hi</b> is missing";
  expect(told).toContain('"session":"task-1"');
  await tables?.cancel();
});

test("names the store that is not there", async () => {
  const path = join(await newFolder(), "nothing.db");
  await expect(openDashboard({ path })).rejects.toMatchObject({ code: "STORE_MISSING" });
});
