// A host that records words in a file, one line each with its mark, as a store would: the line is
// the record, and the mark of the last whole line is where receiving goes on.
import { closeSync, fsyncSync, openSync, readFileSync, truncateSync, writeSync } from "node:fs";

import type { Mark } from "@waybill/core";
import { fsMailbox } from "@waybill/ipc-fs";

const [root = "", plan = "", log = "", mode = "follow"] = process.argv.slice(2);
const text = readFileSync(log, "utf8");
const whole = text.slice(0, text.lastIndexOf("\n") + 1);
truncateSync(log, Buffer.byteLength(whole));
const lastLine = whole.trimEnd().split("\n").at(-1) ?? "";
const after: Mark = lastLine === "" ? { seq: 0, offset: 0 } : JSON.parse(lastLine).mark;

const file = openSync(log, "a");
const mailbox = fsMailbox({ root, gapMs: 60_000 });
const receiving = mailbox.receive(JSON.parse(plan), {
  after,
  follow: mode === "follow",
  signal: AbortSignal.timeout(60_000),
});
for await (const batch of receiving) {
  for (const item of batch) {
    if (item.type !== "word") continue;
    const { word, mark } = item;
    const task =
      word.type === "operation" && word.operation.type === "task.take"
        ? word.operation.task
        : "other";
    writeSync(file, `${JSON.stringify({ mark, task })}\n`);
  }
  fsyncSync(file);
}
closeSync(file);
