// A host that has used up its file descriptors: what it says then, and once it has some again.
import { closeSync, openSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { isWaybillError } from "@waybill/core";
import { fsMailbox } from "@waybill/ipc-fs";

import { envelope, hostPath, numberedName, runSpec } from "../mailbox-fixture.ts";

const mailbox = fsMailbox({ root: process.argv[2]!, gapMs: 100 });
const plan = await mailbox.prepare(runSpec());
const words = [
  { type: "hello", agent: "x", context: "fresh", holds: [] },
  { type: "operation", operation: { type: "task.take", task: "1" } },
] as const;
for (const [index, word] of words.entries()) {
  const path = join(hostPath(plan, "/waybill/outbox"), numberedName(index + 1));
  writeFileSync(path, envelope(index + 1, word));
}
const receive = async (): Promise<readonly string[]> => {
  const heard: string[] = [];
  const signal = AbortSignal.timeout(10_000);
  const after = { seq: 0, offset: 0 };
  for await (const batch of mailbox.receive(plan, { after, follow: false, signal }))
    for (const item of batch) if (item.type === "word") heard.push(item.word.type);
  return heard;
};
const codeOf = async (act: () => Promise<unknown>): Promise<string> => {
  try {
    await act();
    return "no error";
  } catch (error) {
    return isWaybillError(error) ? error.code : String(error);
  }
};

const held: number[] = [];
try {
  for (;;) held.push(openSync("/dev/null", "r"));
} catch {
  // None is left: that is the point.
}
const put = await codeOf(() => mailbox.put(plan, { type: "interrupt", turn: "t" }));
const failed = await codeOf(receive);
for (const file of held) closeSync(file);
process.stdout.write(JSON.stringify({ put, receive: failed, after: await receive() }));
