// Writes words into many outboxes in turn, as that many agents would, then ends.
import { once } from "node:events";
import { renameSync, writeFileSync } from "node:fs";

const [order] = (await once(process, "message")) as [
  { readonly outboxes: readonly string[]; readonly words: number },
];
for (let seq = 1; seq <= order.words; seq += 1) {
  const name = `${String(seq).padStart(16, "0")}.json`;
  const data = { turn: "t", message: "m" };
  const word = JSON.stringify({ v: 1, seq, type: "accepted", at: 0, data });
  for (const outbox of order.outboxes) {
    writeFileSync(`${outbox}/.${name}.tmp`, word);
    renameSync(`${outbox}/.${name}.tmp`, `${outbox}/${name}`);
  }
}
process.disconnect();
