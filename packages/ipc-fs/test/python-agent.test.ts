import { spawnSync } from "node:child_process";
import { resolve } from "node:path";

import { expect, test } from "vitest";

import { startAgent } from "./agent-process.ts";
import { recordWords } from "./host-log.ts";
import { mailboxFixture } from "./mailbox-fixture.ts";

const AGENT = resolve(import.meta.dirname, "../../../examples/python-agent/agent.py");
const hasPython = spawnSync("python3", ["--version"]).status === 0;
const missing = hasPython ? "" : " (skipped: no python3 on PATH)";

test.skipIf(!hasPython)(`the Python example talks with fsMailbox${missing}`, async () => {
  await using fixture = await mailboxFixture();
  const { mailbox } = fixture;
  const plan = await mailbox.prepare(fixture.run());
  const agent = startAgent(plan, "python3", [AGENT]);
  const host = recordWords(mailbox, plan);
  await host.word(({ type }) => type === "hello");
  await mailbox.put(plan, {
    type: "message",
    id: "m1",
    delivery: 1,
    position: 1,
    text: "Привет",
    from: null,
  });
  await mailbox.put(plan, {
    type: "message",
    id: "m2",
    delivery: 1,
    position: 2,
    text: "post c-1 Готово",
    from: null,
  });
  await host.word(({ type }) => type === "operation");
  const { seq } = host.items.flatMap((item) =>
    item.type === "word" && item.word.type === "operation" ? [item.mark] : [],
  )[0]!;
  await mailbox.put(plan, { type: "answer", re: seq, status: "delivered", data: null });
  await mailbox.put(plan, { type: "close", reason: "done", deadlineMs: 5_000 });
  await host.word(({ type }) => type === "bye");
  await host.stop();
  expect(await agent.exited).toBe(0);
  expect(host.words).toEqual([
    { type: "hello", agent: "python-example/1", context: "fresh", holds: [] },
    { type: "accepted", turn: "turn-1", message: "m1" },
    { type: "turn_ended", turn: "turn-1", outcome: "completed", text: "You said: Привет" },
    { type: "accepted", turn: "turn-2", message: "m2" },
    { type: "operation", operation: { type: "chat.send", chat: "c-1", content: "Готово" } },
    { type: "turn_ended", turn: "turn-2", outcome: "completed", text: "The host says: delivered" },
    { type: "bye" },
  ]);
});
