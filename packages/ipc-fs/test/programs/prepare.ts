// A host of its own: prepares one run, puts a letter, lets the agent say hello, and reports.
import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { isWaybillError } from "@waybill/core";
import { fsMailbox } from "@waybill/ipc-fs";

const { root, umask, uid, spec } = JSON.parse(process.argv[2]!);
process.umask(umask);
if (uid !== undefined) {
  process.setgroups?.([]);
  process.setgid?.(uid);
  process.setuid?.(uid);
}
const mailbox = fsMailbox({ root });
try {
  await mailbox.check();
  const plan = await mailbox.prepare(spec);
  await mailbox.put(plan, {
    type: "message",
    id: "m1",
    delivery: 1,
    position: 1,
    text: "hi",
    from: null,
  });
  if (plan.protocol === 1) {
    const outbox = plan.folders.find(({ at }) => at === "/waybill/outbox")!;
    const hello = {
      v: 1,
      seq: 1,
      type: "hello",
      at: 0,
      data: { agent: "x", context: "fresh", holds: [] },
    };
    writeFileSync(join(outbox.host, "0000000000000001.json"), JSON.stringify(hello));
  }
  const words: string[] = [];
  const receiving = mailbox.receive(plan, {
    after: { seq: 0, offset: 0 },
    follow: false,
    signal: AbortSignal.timeout(10_000),
  });
  for await (const batch of receiving) {
    for (const item of batch) if (item.type === "word") words.push(item.word.type);
  }
  process.stdout.write(JSON.stringify({ plan, words }));
} catch (error) {
  if (!isWaybillError(error)) throw error;
  process.stdout.write(JSON.stringify({ error: error.code }));
}
