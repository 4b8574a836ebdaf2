// A host that starts anew: hears one word of the run that standard input names, and says how.
import { text } from "node:stream/consumers";
import type { Logger, RunPlan } from "@waybill/core";
import { fsMailbox } from "@waybill/ipc-fs";

const { root, plan, after } = JSON.parse(await text(process.stdin)) as {
  readonly root: string;
  readonly plan: RunPlan;
  readonly after: number;
};
const lost: unknown[] = [];
const quiet = (): void => {};
const logger: Logger = {
  debug: (_, fields) => void lost.push(fields?.["reason"]),
  info: quiet,
  warn: quiet,
  error: quiet,
};
const mailbox = fsMailbox({ root, logger });
const options = {
  after: { seq: after, offset: 0 },
  follow: true,
  signal: AbortSignal.timeout(20_000),
};
for await (const batch of mailbox.receive(plan, options)) {
  for (const item of batch) {
    if (item.type === "caught_up") process.stdout.write(`listening ${lost.join(" ")}\n`);
    if (item.type !== "word") continue;
    process.stdout.write(`heard ${JSON.stringify(item.word)}\n`);
    process.exit(0);
  }
}
process.exit(1);
