// What a session that was erased leaves behind, byte for byte: real files, a real process, a real log.
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
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

async function filesWith(folder: string, text: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const found: string[] = [];
  for (const entry of entries) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile() && (await readFile(path)).includes(text)) found.push(path);
  }
  return found;
}
