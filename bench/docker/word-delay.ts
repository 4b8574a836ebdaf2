import type { DockerBench } from "./ground.ts";

/** How long after it was written a word is handed over, in milliseconds. */
export async function wordDelays(
  ground: DockerBench,
): Promise<{ readonly p50: number; readonly p99: number }> {
  const agent = "/repository/bench/docker/word-agent.ts";
  const transport = ground.transport(["node", "--conditions=@waybill/source", agent]);
  const plan = await ground.plan();
  await transport.start(plan);
  const delays: number[] = [];
  const signal = AbortSignal.timeout(60_000);
  const after = { seq: 0, offset: 0 };
  receiving: for await (const batch of ground.mailbox.receive(plan, {
    after,
    follow: true,
    signal,
  })) {
    const now = process.hrtime.bigint();
    for (const one of batch) {
      if (one.type !== "word") continue;
      if (one.word.type === "turn_ended") delays.push(Number(now - BigInt(one.word.text)) / 1e6);
      if (one.word.type === "bye") break receiving;
    }
  }
  await transport.stop(plan, 0);
  // The first ones wait for what starts up.
  const sorted = delays.slice(20).toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.floor(sorted.length * share)] ?? Number.NaN;
  return { p50: at(0.5), p99: at(0.99) };
}
