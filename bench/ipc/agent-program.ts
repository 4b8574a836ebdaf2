// The agent's side of `bench ipc`, inside a container: does what WAYBILL's configuration names.
import { renameSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import type { Socket } from "node:net";
import { once } from "node:events";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { connectAgent } from "@waybill/ipc-fs/agent";

const channel = await connectAgent({ heartbeatMs: 60_000 });
const { stamps = 0, requests = 0, burst = 0 } = channel.start.config as Record<string, number>;
const now = (): number => (performance.timeOrigin + performance.now()) * 1_000;

await channel.hello({ agent: "bench", context: "fresh", holds: [] });
const socket = connect(join(process.env["WAYBILL_WORKSPACE"] ?? "", "bench.sock"));
socket.setNoDelay(true);
await once(socket, "connect");

// When each word got its name, in microseconds since 1970: the host subtracts.
const renamed: number[] = [];
for (let index = 0; index < stamps; index += 1) {
  await channel.accepted("t", `t${Math.round(now())}`);
  renamed.push(now());
  await pause(8);
  socket.write(`t${Math.round(now())}\n`);
  await pause(8);
}
const mail: number[] = [];
const wire: number[] = [];
for (let index = 0; index < requests; index += 1) {
  const begun = performance.now();
  await channel.operation({ type: "task.take", task: "1" });
  mail.push(performance.now() - begun);
  wire.push(await ask(socket));
}
socket.end();
await channel.turnEnded({
  turn: "t",
  outcome: "completed",
  text: JSON.stringify({ mail, wire, renamed }),
});

// Full speed, by the protocol: never more than 1,024 that are not acknowledged.
const sent: Promise<void>[] = [];
for (let index = 0; index < burst; index += 1) sent.push(channel.accepted("t", "burst"));
await Promise.all(sent);
writeFileSync("done.tmp", "");
renameSync("done.tmp", "done");
await channel.bye();

async function ask(to: Socket): Promise<number> {
  const begun = performance.now();
  to.write("?\n");
  await once(to, "data");
  return performance.now() - begun;
}
