import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { setTimeout as sleep } from "node:timers/promises";
import { execa } from "execa";
import { referenceTracker, tally } from "@waybill/tracker-client/testing";
import type { ChaosOptions } from "./options.ts";
import type { Terms } from "./orchestrator.ts";
import { seededRandom } from "./random.ts";
import { workload, type Part } from "./workload.ts";

/** What the Tracker's records say in the end. */
export interface KillsSummary {
  readonly seed: number;
  readonly keys: boolean;
  readonly operations: number;
  readonly kills: number;
  readonly orchestratorKills: number;
  readonly agentKills: number;
  readonly lost: number;
  readonly repeated: number;
  readonly absorbed: number;
  readonly outOfOrder: number;
  readonly seconds: number;
}

/** Between two kills, in milliseconds: a start takes about half of it, so kills hit starts too. */
const PACE_MS = { least: 100, spread: 1_100 };

/** Runs the workload on real parts while orchestrator and agents are killed at random instants. */
export async function kills(
  options: ChaosOptions,
  tell: (text: string) => void,
): Promise<KillsSummary> {
  const startedAt = performance.now();
  const random = seededRandom(options.seed);
  const parts = workload(options);
  const data = await mkdtemp(join(tmpdir(), "waybill-chaos-"));
  await using tracker = await referenceTracker({
    keys: options.keys,
    random,
    seed: { chats: parts.map(({ chat }) => ({ id: chat })), tasks: [] },
  });
  const always = { method: "POST", times: null } as const;
  tracker.faults.add(
    { do: "status", status: 503, chance: 0.08, ...always },
    { do: "drop", when: "before", chance: 0.04, ...always },
    { do: "drop", when: "after", chance: 0.08, ...always },
    // Longer than the orchestrator waits: nobody knows whether it was done, and then it is.
    { do: "delay", when: "before", ms: 1_500, chance: 0.005, ...always },
    { do: "delay", when: "after", ms: 1_500, chance: 0.005, ...always },
  );
  const { url, token } = tracker;
  const terms: Terms = { data, tracker: { url, token, idempotencyKeys: options.keys }, parts };

  let orchestrator = start(terms);
  const killed = { orchestrator: 0, agent: 0 };
  while (killed.orchestrator + killed.agent < options.kills) {
    await Promise.race([sleep(PACE_MS.least + random() * PACE_MS.spread), orchestrator.finished]);
    if (await orchestrator.isFinished()) break;
    if (random() < 0.5) {
      if (await killAgent(data, random)) killed.agent += 1;
      continue;
    }
    orchestrator.process.kill("SIGKILL");
    await orchestrator.process;
    killed.orchestrator += 1;
    orchestrator = start(terms);
    tell(
      `${killed.orchestrator + killed.agent} kills, ${tracker.records.messages.length} delivered`,
    );
  }
  await orchestrator.finished;
  await orchestrator.process;

  const { records } = tracker;
  const found = tally(
    records,
    parts.flatMap(({ contents }) => contents),
  );
  const outOfOrder = parts.reduce((sum, part) => sum + inversions(part, records.messages), 0);
  if (found.lost + found.repeated + outOfOrder === 0)
    await rm(data, { recursive: true, force: true });
  else tell(`The data is kept in ${data}.`);
  return {
    seed: options.seed,
    keys: options.keys,
    operations: found.asked,
    kills: killed.orchestrator + killed.agent,
    orchestratorKills: killed.orchestrator,
    agentKills: killed.agent,
    lost: found.lost,
    repeated: found.repeated,
    absorbed: found.absorbed,
    outOfOrder,
    seconds: Math.round((performance.now() - startedAt) / 1000),
  };
}

interface Attacked {
  readonly process: ReturnType<typeof launch>;
  /** Resolves when it says that the workload is done; never otherwise. */
  readonly finished: Promise<void>;
  isFinished(): Promise<boolean>;
}

function start(terms: Terms): Attacked {
  const subprocess = launch(terms);
  const done = Promise.withResolvers<void>();
  let finished = false;
  createInterface({ input: subprocess.stdout }).on("line", (line) => {
    finished ||= line.includes('"finished"');
    if (finished) done.resolve();
  });
  void subprocess.then(({ exitCode, signal }) => {
    if (!finished && signal === undefined) {
      process.stderr.write(`The orchestrator ended by itself with exit code ${exitCode}.\n`);
      process.exit(1);
    }
  });
  return { process: subprocess, finished: done.promise, isFinished: async () => finished };
}

function launch(terms: Terms) {
  const program = fileURLToPath(new URL("orchestrator.ts", import.meta.url));
  return execa(process.execPath, ["--conditions=@waybill/source", program], {
    input: JSON.stringify(terms),
    stderr: "inherit",
    buffer: false,
    reject: false,
  });
}

/** Kills one of the agents' own processes; false where none lives. */
async function killAgent(data: string, random: () => number): Promise<boolean> {
  const pids = await agentsUnder(data);
  const pid = pids[Math.floor(random() * pids.length)];
  if (pid === undefined) return false;
  try {
    process.kill(pid, "SIGKILL");
    return true;
  } catch {
    return false; // it ended by itself in the meantime
  }
}

async function agentsUnder(data: string): Promise<readonly number[]> {
  const found: number[] = [];
  for (const name of await readdir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const read = (file: string): Promise<string> =>
      readFile(`/proc/${name}/${file}`, "utf8").catch(() => "");
    if (
      (await read("cmdline")).includes("raw-agent/agent.ts") &&
      (await read("environ")).includes(data)
    ) {
      found.push(Number(name));
    }
  }
  return found;
}

/** How many contents of a chat came before one that they should have followed. */
function inversions(
  part: Part,
  messages: readonly { readonly chat_id: string; readonly content: string }[],
): number {
  const places = messages
    .filter(({ chat_id: chat }) => chat === part.chat)
    .map(({ content }) => part.contents.indexOf(content));
  return places.filter((place, index) => index > 0 && place < (places[index - 1] ?? 0)).length;
}
