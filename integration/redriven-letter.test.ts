// A word that nobody could read is mended by a person and done after all, whoever dies in between.
import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { SessionRecord } from "@waybill/core";
import { fsMailbox } from "@waybill/ipc-fs";
import { processTransport } from "@waybill/transport-process";
import { eventOf, openTestHost } from "./host.ts";

/** Says hello and something torn, and stays. */
const agent = `
cat > /dev/null
put() { printf '%s' "$2" > .said && mv .said "$(printf '%016d' "$1").json"; }
cd "$WAYBILL_OUTBOX"
put 1 '{"v":1,"seq":1,"type":"hello","at":0,"data":{"agent":"sh","context":"fresh","holds":[]}}'
put 2 '{ "v": 1, "seq": 2, "type"'
exec sleep 60`;
const mended = {
  v: 1,
  seq: 2,
  type: "operation",
  at: 0,
  data: { operation: { type: "chat.send", chat: "7", content: "said after all" } },
};

test("a dead letter that was mended is done once and recorded once, over a crash and a Tracker that is down", async () => {
  await using host = await openTestHost({
    transport: processTransport({ command: ["sh", "-c", agent] }),
    policy: { retryCapMs: 50 },
  });
  const root = join(host.data, "mail");
  const mailbox = fsMailbox({ root });
  const first = await host.start();
  const session = await first.open({ id: "s", agent: "coder", scope: { chats: ["7"] } });
  await session.send("go");
  await eventOf(first, "s", "WordRejected");
  const [letter] = await mailbox.deadLetters({ sessionId: "s" });
  if (letter === undefined) throw new Error("No dead letter was kept.");
  await expect(
    mailbox.redrive(letter, (word) => session.redriveWord(letter, word)),
  ).rejects.toMatchObject({ code: "DEAD_LETTER_UNREADABLE" });
  await writeFile(letter.path ?? "", JSON.stringify(mended));

  host.tracker.faults.add({ do: "status", status: 503, times: null, method: "POST" });
  const dies = mailbox.redrive(letter, async (word) => {
    await session.redriveWord(letter, word, { by: "anna" });
    throw new Error("The host dies before the letter is marked.");
  });
  await expect(dies).rejects.toThrow("The host dies");
  await eventOf(first, "s", "OperationDeferred");
  // Its run lives on, and the next one adopts it.
  await first[Symbol.asyncDispose]();

  host.tracker.faults.clear();
  const second = await host.start();
  const again = second.session("s");
  await mailbox.redrive(letter, (word) => again.redriveWord(letter, word, { by: "anna" }));
  await eventOf(second, "s", "OperationAnswered");
  const operationId = `s/${letter.runId}/2`;
  expect(host.tracker.records.messages).toMatchObject([
    { content: "said after all", client_id: operationId },
  ]);
  const log: SessionRecord[] = [];
  for await (const event of again.events({ until: "idle", signal: AbortSignal.timeout(300) }))
    log.push(event);
  expect(log.filter(({ type }) => type === "WordRedriven").map(({ data }) => data)).toMatchObject([
    { operationId, runId: letter.runId, by: "anna" },
  ]);
  const inbox = await readdir(join(root, "sessions", "s", "runs", letter.runId, "inbox"));
  expect(inbox).toContain("a.0000000000000002.json");
  const [marked] = await mailbox.deadLetters({ sessionId: "s" });
  expect(marked?.redrivenAt).toBeGreaterThan(0);

  await expect(
    again.redriveWord({ runId: letter.runId, seq: 1 }, { type: "bye" }),
  ).rejects.toMatchObject({ code: "WORD_IS_PAST" });
  const word = { type: "operation", operation: { type: "task.list" } } as const;
  await expect(again.redriveWord({ runId: letter.runId, seq: 1 }, word)).rejects.toMatchObject({
    code: "WORD_NOT_REJECTED",
  });
});
