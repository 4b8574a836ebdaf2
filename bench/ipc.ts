import { fsMailbox } from "@waybill/ipc-fs";
import { benchLine, median } from "./bench-line.ts";
import type { BenchLine, Round } from "./bench-line.ts";
import { againstC } from "./ipc/against-c.ts";
import { containerRun } from "./ipc/container-run.ts";
import type { ContainerFigures } from "./ipc/container-run.ts";
import { manySessions } from "./ipc/many-sessions.ts";
import type { ManySessions } from "./ipc/many-sessions.ts";
import { parserRounds } from "./ipc/parsers.ts";
import { workFolder } from "./work-folder.ts";

/**
 * How quick the file mailbox is through a container's bind mount, against a Unix socket between the
 * same two processes and against the bare system calls in C. Needs an engine with node:24-slim.
 */
export async function benchIpc(): Promise<BenchLine[]> {
  await using folder = await workFolder();
  const mailbox = fsMailbox({ root: `${folder.path}/mail` });
  const contained: ContainerFigures[] = [];
  const many: ManySessions[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    contained.push(await containerRun(mailbox, folder.path, LOAD));
    many.push(await manySessions(mailbox, folder.path));
  }
  const c = await againstC(mailbox, folder.path, ROUNDS);
  const parsers = parserRounds(5);
  await mailbox.close();
  const wire = (figure: "latency" | "request"): readonly Round[] =>
    contained.map((run) => ({
      value: median(run[figure].mail),
      baseline: median(run[figure].wire),
    }));
  const alone = (values: readonly number[]): readonly Round[] =>
    values.map((value) => ({ value, baseline: null }));
  return [
    line("rename in the container to handler, p50", "ms", wire("latency"), { atMost: 0.5 }),
    line(
      "call in the agent to handler, p50",
      "ms",
      alone(contained.map((run) => median(run.fromCall))),
      null,
    ),
    line("durable request to answer, p50", "ms", wire("request"), { atMost: 3 }),
    line("durable words, 1 session", "words/s", alone(contained.map((run) => run.wordsPerSecond)), {
      atLeast: 4_000,
    }),
    line("durable words, 50 sessions", "words/s", alone(many.map((run) => run.wordsPerSecond)), {
      atLeast: 4_000,
    }),
    line("host CPU for one word", "µs", alone(contained.map((run) => run.cpuMicros)), {
      atMost: 100,
    }),
    line("write, read and remove in one process", "µs", c, { atMostTimes: 2.5 }),
    line("50 idle sessions", "% of a core", alone(many.map((run) => run.idlePerCent)), {
      atMost: 0.5,
    }),
    line("frame parser, noise, against a newline split", "MB/s", parsers.noise, { atLeast: 500 }),
    line("frame parser, frames, against a newline split", "MB/s", parsers.frames, {
      atLeast: 100,
    }),
    line("envelope parser", "MB/s", parsers.words, null),
  ];
}

const ROUNDS = 3;
const LOAD = { stamps: 100, requests: 100, burst: 8_000 };

function line(
  metric: string,
  unit: string,
  rounds: readonly Round[],
  target: Parameters<typeof benchLine>[0]["target"],
): BenchLine {
  return benchLine({ bench: "ipc", metric, unit, rounds, target });
}
