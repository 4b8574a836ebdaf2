// The agent of the bench: says at which instant it says it, by the clock that all processes share.
import { setTimeout as sleep } from "node:timers/promises";
import { connectAgent } from "@waybill/ipc-fs/agent";

const channel = await connectAgent();
await channel.hello({ agent: "bench", context: "fresh", holds: [] });
for (let turn = 0; turn < 400; turn += 1) {
  const text = String(process.hrtime.bigint());
  await channel.turnEnded({ turn: `t${turn}`, outcome: "completed", text });
  await sleep(5);
}
await channel.bye();
process.exit(0);
