import { readdirSync } from "node:fs";
import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { createOrchestrator } from "@waybill/core";
import type { SessionHandle } from "@waybill/core";
import { fsMailbox } from "@waybill/ipc-fs";
import { sqliteStore } from "@waybill/store-sqlite";
import { dockerTransport } from "@waybill/transport-docker";
import { benchLine } from "../bench-line.ts";
import type { BenchLine, Target } from "../bench-line.ts";
import { workFolder } from "../work-folder.ts";
import { children } from "./footprint.ts";
import { residentMb } from "./ground.ts";

/** How many sessions idle at once: WAYBILL_BENCH_SESSIONS, or 100. */
const SESSIONS = Number(process.env["WAYBILL_BENCH_SESSIONS"] ?? 100);
/** These bring what is loaded once, and are not counted. */
const WARM = 4;
const WATCHED_MS = 10_000;

/**
 * What many contained sessions that wait for a message cost one whole orchestrator: a log on disk, a
 * mailbox that follows each outbox, a watch of each container.
 */
export async function benchDockerIdle(): Promise<BenchLine[]> {
  await using work = await workFolder();
  const orchestrator = await createOrchestrator({
    store: sqliteStore({ path: join(work.path, "waybill.db") }),
    mailbox: fsMailbox({ root: join(work.path, "mail") }),
    agents: {
      idle: {
        name: "Idle",
        protocol: 1,
        transport: dockerTransport({
          image: "node:24-slim",
          command: ["sh", "-c", idleAgent],
          namePrefix: "waybill-bench-idle",
          memory: "64m",
        }),
        policy: { idleMs: 3_600_000, startMs: 600_000, graceMs: 0, drainMs: 1_000 },
      },
    },
  });
  const sessions: SessionHandle[] = [];
  const open = async (count: number): Promise<void> => {
    const opened = await Promise.all(
      Array.from({ length: count }, (_, at) =>
        orchestrator.open({ id: `idle-${sessions.length + at}`, agent: "idle" }),
      ),
    );
    sessions.push(...opened);
    await Promise.all(opened.map((session) => session.ask("hello")));
  };
  try {
    await open(WARM);
    const before = await cost();
    const begun = performance.now();
    await open(SESSIONS);
    const startedMs = performance.now() - begun;
    const after = await cost();
    const loop = monitorEventLoopDelay({ resolution: 1 });
    const cpu = process.cpuUsage();
    loop.enable();
    await sleep(WATCHED_MS);
    loop.disable();
    const used = process.cpuUsage(cpu);
    const each = (what: keyof Cost): number => (after[what] - before[what]) / SESSIONS;
    return [
      line(`${SESSIONS} idle sessions: memory of the host each`, "MB", each("memory"), null),
      line(`${SESSIONS} idle sessions: heap of the host each`, "MB", each("heap"), null),
      line(`${SESSIONS} idle sessions: descriptors each`, "", each("descriptors"), null),
      line(`${SESSIONS} idle sessions: processes of the host each`, "", each("processes"), {
        atMost: 0,
      }),
      line(`${SESSIONS} idle sessions: loop delay, p50`, "ms", loop.percentile(50) / 1e6, null),
      line(`${SESSIONS} idle sessions: loop delay, p99`, "ms", loop.percentile(99) / 1e6, null),
      line(
        `${SESSIONS} idle sessions: of a processor`,
        "%",
        ((used.user + used.system) / 1_000 / WATCHED_MS) * 100,
        null,
      ),
      line(`${SESSIONS} idle sessions: first turn of all, each`, "ms", startedMs / SESSIONS, null),
    ];
  } finally {
    await Promise.all(sessions.map((session) => session.stop()));
    await orchestrator.shutdown();
  }
}

// Answers one message by protocol 1 and then waits, in as little memory as there can be.
const idleAgent = `
n=0
say() {
  n=$((n + 1)); name=$(printf %016d $n)
  printf '{"v":1,"seq":%d,"type":"%s","at":0,"data":%s}' $n "$1" "$2" > "$WAYBILL_OUTBOX/.$name.tmp"
  mv "$WAYBILL_OUTBOX/.$name.tmp" "$WAYBILL_OUTBOX/$name.json"
}
say hello '{"agent":"idle","context":"fresh","holds":[]}'
until ls "$WAYBILL_INBOX"/m.* >/dev/null 2>&1; do sleep 0.2; done
id=$(sed 's/.*"id": *"\\([^"]*\\)".*/\\1/' "$WAYBILL_INBOX"/m.*)
say accepted '{"turn":"t","message":"'"$id"'"}'
say turn_ended '{"turn":"t","outcome":"completed","text":"ready"}'
exec sleep 36000
`;

interface Cost {
  readonly memory: number;
  readonly heap: number;
  readonly descriptors: number;
  readonly processes: number;
}

/** What this process holds, once it is quiet. */
async function cost(): Promise<Cost> {
  await sleep(3_000);
  globalThis.gc?.();
  return {
    memory: residentMb(),
    heap: process.memoryUsage().heapUsed / 1e6,
    descriptors: readdirSync("/proc/self/fd").length,
    processes: children(),
  };
}

function line(metric: string, unit: string, value: number, target: Target): BenchLine {
  return benchLine({
    bench: "docker-idle",
    metric,
    unit,
    rounds: [{ value, baseline: null }],
    target,
  });
}
