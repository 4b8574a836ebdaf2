import { chmod, chown } from "node:fs/promises";
import { once } from "node:events";
import { createServer } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { AgentWord, Mailbox } from "@waybill/core";
import { dockerTransport } from "@waybill/transport-docker";
import { benchRun, folderOf } from "./bench-run.ts";
import { syncedLog } from "./synced-log.ts";

/** What one run in a container measured. All times in milliseconds. */
export interface ContainerFigures {
  /** From the rename in the container to the handler, and from a socket's write to its handler. */
  readonly latency: { readonly mail: readonly number[]; readonly wire: readonly number[] };
  /** From the call in the agent's library to the handler: the latency, and making the file. */
  readonly fromCall: readonly number[];
  /** From a request to its answer, with a synced append in between. */
  readonly request: { readonly mail: readonly number[]; readonly wire: readonly number[] };
  /** Words a second at full speed, each recorded by a synced append of its batch. */
  readonly wordsPerSecond: number;
  /** CPU of the host for one word of the burst, in microseconds. */
  readonly cpuMicros: number;
}

/** Runs the agent program in a container and plays the host: one file, synced for each batch. */
export async function containerRun(
  mailbox: Mailbox,
  folder: string,
  config: { readonly stamps: number; readonly requests: number; readonly burst: number },
): Promise<ContainerFigures> {
  const repository = fileURLToPath(new URL("../../", import.meta.url)).replace(/\/$/, "");
  const program = fileURLToPath(new URL("agent-program.ts", import.meta.url));
  const transport = dockerTransport({
    image: "node:24-slim",
    command: ["node", "--conditions=@waybill/source", program.replace(repository, "/repository")],
    mounts: [{ host: repository, at: "/repository" }],
  });
  const plan = await mailbox.prepare(benchRun(config, "dedicated"));
  await using log = await syncedLog(join(folder, "log"));
  const wire: number[] = [];
  const socket = join(folderOf(plan, "/workspace"), "bench.sock");
  const server = createServer((connection) => {
    connection.on("data", (chunk) => {
      const text = chunk.toString();
      if (text.startsWith("?")) {
        void log.append(text).then(() => connection.write("!\n"));
      } else wire.push(now() - Number(text.slice(1)) / 1_000);
    });
  }).listen(socket);
  await once(server, "listening");
  await chmod(socket, 0o777);
  if (plan.user !== null && process.getuid?.() === 0)
    await chown(socket, plan.user.uid, plan.user.gid);
  const heard: { readonly at: number; readonly calledAt: number }[] = [];
  let request: { mail: number[]; wire: number[]; renamed: number[] } = {
    mail: [],
    wire: [],
    renamed: [],
  };
  let burstBegan = 0;
  let cpuBegan = process.cpuUsage();
  let ended = 0;
  let last: AgentWord["type"] = "hello";
  await transport.start(plan);
  const stop = new AbortController();
  const options = { after: { seq: 0, offset: 0 }, follow: true, signal: stop.signal };
  for await (const batch of mailbox.receive(plan, options)) {
    const at = now();
    const words = batch.filter((item) => item.type === "word");
    if (words.length === 0) continue;
    await log.append(`${JSON.stringify(words)}\n`);
    for (const { word, mark } of words) {
      last = word.type;
      if (word.type === "accepted" && word.message.startsWith("t"))
        heard.push({ at, calledAt: Number(word.message.slice(1)) / 1_000 });
      if (word.type === "operation")
        await mailbox.put(plan, { type: "answer", re: mark.seq, status: "delivered" });
      if (word.type === "turn_ended") {
        request = JSON.parse(word.text);
        burstBegan = now();
        cpuBegan = process.cpuUsage();
      }
    }
    if (last === "bye") {
      ended = now();
      stop.abort();
    }
  }
  const { user, system } = process.cpuUsage(cpuBegan);
  server.close();
  await transport.stop(plan, 0);
  await transport.remove(plan);
  return {
    latency: {
      mail: heard.map(({ at }, index) => at - (request.renamed[index] ?? Number.NaN) / 1_000),
      wire,
    },
    fromCall: heard.map(({ at, calledAt }) => at - calledAt),
    request,
    wordsPerSecond: config.burst / ((ended - burstBegan) / 1_000),
    cpuMicros: (user + system) / config.burst,
  };
}

function now(): number {
  return performance.timeOrigin + performance.now();
}
