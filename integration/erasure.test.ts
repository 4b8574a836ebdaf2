// What a session that was erased leaves behind, byte for byte: real files, a real process, a real log.
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { request, type IncomingMessage } from "node:http";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { expect, test } from "vitest";
import type { Gateway } from "@waybill/core";
import { modelGateway, stopModelGateway } from "@waybill/gateway";
import { openTestHost, rawAgent, script } from "./host.ts";

const secret = "the-patient-is-Ada-Lovelace";

test("an erased session leaves no byte of what was said: not in the log, the mailbox or the workspace", async () => {
  await using host = await openTestHost({ transport: rawAgent() });
  const orchestrator = await host.start();
  const scope = { chats: ["7"] };
  const session = await orchestrator.open({ id: "case-1", agent: "coder", scope });
  const other = await orchestrator.open({ id: "case-2", agent: "coder", scope });
  const steps = [{ ask: { type: "chat.send", chat: "7", content: `dear board, ${secret}` } }];
  expect((await session.ask(script(steps, secret))).text).toBe(secret);
  // Long enough to be kept beside the log.
  await session.ask(`${secret} `.repeat(8_000));
  await other.ask(`not ${secret}, but I know of it`);
  const place = join(host.data, "mail", "sessions", "case-1");
  await writeFile(join(place, "workspace", "notes.md"), secret);
  await writeFile(join(place, "state", "transcript.jsonl"), secret);
  await session.close();
  await other.close();
  expect((await filesWith(host.data, secret)).length).toBeGreaterThan(2);

  await session.erase();
  await other.erase();
  expect(await filesWith(host.data, secret)).toEqual([]);
  expect(await readdir(place)).toEqual(["erased"]);
  // What was done at the board is the board's.
  expect(host.tracker.records.messages.map(({ content }) => content)).toEqual([
    `dear board, ${secret}`,
  ]);

  await orchestrator[Symbol.asyncDispose]();
  expect(await filesWith(host.data, secret)).toEqual([]);
  const next = await host.start();
  expect(await next.list()).toMatchObject([{ status: "erased" }, { status: "erased" }]);
  await expect(next.open({ id: "case-1", agent: "coder" })).rejects.toMatchObject({
    code: "SESSION_ERASED",
  });
});

test("an erased session leaves nothing in the gateway's books, and one that ended only until the sweep", async () => {
  const root = await mkdtemp(join(tmpdir(), "wg-"));
  const open = (): Gateway =>
    modelGateway({ root, credential: { apiKey: "none" }, upstream: "http://127.0.0.1:9" });
  try {
    await using host = await openTestHost({ transport: rawAgent, gateway: open });
    const orchestrator = await host.start();
    for (const id of ["erased", "ended", "open"]) {
      const session = await orchestrator.open({ id, agent: "coder" });
      await session.ask(script([]));
      await refusedRequest(root, id);
      await expect.poll(async () => (await session.state()).totals.refusedRequests).toBe(1);
      if (id !== "open") await session.close();
    }
    expect(await booksIn(root)).toEqual(["ended", "erased", "open"]);
    await orchestrator.session("erased").erase();
    expect(await booksIn(root)).toEqual(["ended", "open"]);

    // The next orchestrator sweeps when it starts.
    await orchestrator[Symbol.asyncDispose]();
    await host.start();
    await expect.poll(() => booksIn(root)).toEqual(["open"]);
  } finally {
    await stopModelGateway({ root });
    await rm(root, { recursive: true, force: true });
  }
});

/** The session's live run asks for what nobody may. */
async function refusedRequest(root: string, session: string): Promise<void> {
  const [record] = await filesWith(join(root, "attached"), `"sessionId":"${session}"`);
  const socketPath = join(root, "r", basename(record ?? "", ".json"), "model.sock");
  const call = request({ socketPath, path: "/nowhere" }).end();
  const [answer] = (await once(call, "response")) as [IncomingMessage];
  expect(answer.resume().statusCode).toBe(403);
}

/** The sessions of which a gateway keeps books. */
async function booksIn(root: string): Promise<readonly string[]> {
  const books = await filesWith(join(root, "books"), "");
  const texts = await Promise.all(books.map((file) => readFile(file, "utf8")));
  return texts.map((text) => /"sessionId":"([^"]*)"/.exec(text)?.[1] ?? "?").toSorted();
}

async function filesWith(folder: string, text: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const found: string[] = [];
  for (const entry of entries) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile() && (await readFile(path)).includes(text)) found.push(path);
  }
  return found;
}
