import { appendFileSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { messageUuid } from "../src/claude/message-uuid.ts";
import { followTranscript } from "../src/claude/transcript-follower.ts";
import { findTranscript, setAside } from "../src/claude/transcript.ts";
import { newConversation, newHome, removeHome } from "./run-harness.ts";

let claude: string;
let conversation: string;
let project: string;
let file: string;

beforeEach(() => {
  claude = newHome();
  conversation = newConversation();
  project = join(claude, "projects", "-workspace");
  mkdirSync(project, { recursive: true });
  file = join(project, `${conversation}.jsonl`);
});
afterEach(() => removeHome(claude));

const user = (uuid: string, content: string): string =>
  `${JSON.stringify({ parentUuid: null, type: "user", message: { role: "user", content }, uuid })}\n`;
const joined = (uuid: string): string =>
  `${JSON.stringify({ type: "attachment", attachment: { type: "queued_command", source_uuid: uuid }, uuid: newConversation() })}\n`;

test("a message's UUID is a version 5 UUID of its id, for ever the same", () => {
  expect(messageUuid("m-1")).toBe("89d3003d-d4a7-59e6-9edf-727b8a5981ea");
  expect(messageUuid("Сообщение")).toMatch(
    /^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-/,
  );
  expect(messageUuid("m-2")).not.toBe(messageUuid("m-1"));
});

test("a follower waits for an entry that is written late, in pieces, among other characters", async () => {
  const uuid = messageUuid("m-1");
  const follower = followTranscript({ claude, conversation, from: 0 });
  const waiting = follower.holds([uuid], 5_000);
  const bytes = Buffer.from(user(newConversation(), "Привет 👋") + user(uuid, "Ещё раз 👋"));
  for (let at = 0; at < bytes.length; at += 7) {
    writeFileSync(file, bytes.subarray(at, at + 7), { flag: "a" });
    if (at % 70 === 0) await pause(5);
  }
  expect(await waiting).toBe(true);
});

test("a follower says after its time that an entry is not there, and a text that names it is none", async () => {
  const uuid = messageUuid("m-1");
  writeFileSync(file, user(newConversation(), `{"uuid":"${uuid}"}`));
  const follower = followTranscript({ claude, conversation, from: 0 });
  expect(await follower.holds([uuid], 50)).toBe(false);
  appendFileSync(file, joined(uuid));
  expect(await follower.holds([uuid], 1_000)).toBe(true);
});

test("a transcript's messages are its users' entries and those that joined a turn", async () => {
  const [one, two] = [messageUuid("m-1"), messageUuid("m-2")];
  writeFileSync(
    file,
    `${user(one, "x")}${joined(two)}{"type":"cost-state","totalCostUSD":1.5}\n{"type":"us`,
  );
  const found = await findTranscript(claude, conversation);
  expect(found).toMatchObject({ file, resumable: true, costUsd: 1.5 });
  expect([...found!.messages]).toEqual([one, two]);
});

test("a transcript without a word in it is not resumable, and is kept when it is set aside", async () => {
  writeFileSync(file, `${JSON.stringify({ type: "queue-operation", operation: "enqueue" })}\n`);
  const found = await findTranscript(claude, conversation);
  expect(found?.resumable).toBe(false);
  await setAside(found!);
  expect(await findTranscript(claude, conversation)).toBeNull();
  expect(readdirSync(project)).toEqual([expect.stringMatching(/\.jsonl\.set-aside-\d+$/)]);
});

test("a conversation that was never begun has no transcript", async () => {
  expect(await findTranscript(join(claude, "nowhere"), conversation)).toBeNull();
});
