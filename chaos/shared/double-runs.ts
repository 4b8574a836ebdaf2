import { readdir, readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";

/** Looks again and again, until the signal aborts, for two live processes of one session's runs. */
export async function watchDoubleRuns(
  root: string,
  signal: AbortSignal,
): Promise<ReadonlySet<string>> {
  const doubles = new Set<string>();
  while (!signal.aborted) {
    const runs = new Map<string, Set<string>>();
    for (const inbox of await inboxesUnder(root)) {
      const session = /session-\d+/u.exec(inbox)?.[0] ?? "";
      runs.set(session, (runs.get(session) ?? new Set()).add(inbox));
    }
    for (const [session, live] of runs)
      if (live.size > 1) doubles.add(`${session}: ${[...live].toSorted().join(" and ")}`);
    await sleep(200, null, { signal }).catch(() => null);
  }
  return doubles;
}

/** The mailboxes of agents that live: each process says in its environment whose run it is. */
export async function inboxesUnder(root: string): Promise<readonly string[]> {
  const found: string[] = [];
  for (const name of await readdir("/proc")) {
    if (!/^\d+$/u.test(name)) continue;
    const read = (file: string): Promise<string> =>
      readFile(`/proc/${name}/${file}`, "utf8").catch(() => "");
    const [, program = ""] = (await read("cmdline")).split("raw-agent/");
    if (!program.startsWith("agent.ts")) continue;
    // A zombie has no environment any more, and is no life.
    const [, inbox = ""] = /(?:^|\0)WAYBILL_INBOX=([^\0]*)/u.exec(await read("environ")) ?? [];
    if (inbox.startsWith(root)) found.push(inbox);
  }
  return found;
}
