import { readdirSync, readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Round } from "../bench-line.ts";
import type { DockerBench } from "./ground.ts";

const WORDS = 400;
const BYTES = 50_000;

/** Words of 50 KB that lie in an outbox, received and checked; the baseline reads the same files. */
export async function ingestRound(ground: DockerBench): Promise<Round> {
  const plan = await ground.plan();
  const outbox = plan.folders.find(({ at }) => at.endsWith("/outbox"))?.host ?? "";
  for (let seq = 1; seq <= WORDS; seq += 1) {
    await writeFile(join(outbox, `${String(seq).padStart(16, "0")}.json`), word(seq));
  }
  const megabytes = (WORDS * BYTES) / 1e6;
  const begun = performance.now();
  for (const name of readdirSync(outbox).toSorted()) readFileSync(join(outbox, name), "utf8");
  const read = performance.now();
  let words = 0;
  const options = {
    after: { seq: 0, offset: 0 },
    follow: false,
    signal: AbortSignal.timeout(60_000),
  };
  for await (const batch of ground.mailbox.receive(plan, options)) {
    words += batch.filter((one) => one.type === "word").length;
  }
  const done = performance.now();
  if (words !== WORDS) throw new Error(`${words} of ${WORDS} words came.`);
  return {
    value: (megabytes / (done - read)) * 1_000,
    baseline: (megabytes / (read - begun)) * 1_000,
  };
}

function word(seq: number): string {
  const data =
    seq === 1
      ? { agent: "bench", context: "fresh", holds: [] }
      : { turn: `t${seq}`, outcome: "completed", text: "x".repeat(BYTES - 200) };
  const type = seq === 1 ? "hello" : "turn_ended";
  return JSON.stringify({ v: 1, seq, type, at: Date.now(), data });
}
