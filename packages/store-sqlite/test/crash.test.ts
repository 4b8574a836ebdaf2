import { expect, test } from "vitest";
import { sqliteStore } from "@waybill/store-sqlite";
import { runProgram } from "./program.ts";
import { temporaryFolder } from "./temporary-folder.ts";

// More rounds: WAYBILL_CRASH_ROUNDS=200.
const rounds = Number(
  process.env["WAYBILL_CRASH_ROUNDS"] ?? (process.env["WAYBILL_LONG"] === "1" ? 50 : 5),
);

test(
  `what was acknowledged before a SIGKILL is in the log, whole and without gaps, ${rounds} times over`,
  async () => {
    await using folder = await temporaryFolder();
    const path = folder.file("waybill.db");
    const acknowledged = new Set<string>();
    for (let round = 1; round <= rounds; round += 1) {
      await killWhileAppending(path, round, acknowledged);
      checkLog(await printLog(path), acknowledged);
    }
    expect(acknowledged.size).toBeGreaterThan(rounds * 10);
    const store = sqliteStore({ path, check: "full" });
    await store.open();
    await store.close();
  },
  60_000 + rounds * 30_000,
);

async function killWhileAppending(
  path: string,
  round: number,
  acknowledged: Set<string>,
): Promise<void> {
  await using program = runProgram("append-until-killed", [path, String(round)]);
  expect(await program.nextLine()).toBe("opening");
  // Every fourth is killed while it opens: takes the lock, checks, brings the index up to the log.
  if (round % 4 === 0) setTimeout(() => program.process.kill("SIGKILL"), Math.random() * 200);
  let left = 1 + Math.floor(Math.random() * 400);
  for await (const line of program.lines) {
    for (const id of line.split(" ")) acknowledged.add(id);
    left -= 1;
    // Not awaited: what it acknowledges until the signal arrives counts too.
    if (left === 0) program.process.kill("SIGKILL");
  }
  const ended = await program.ended;
  expect(ended, "it was killed and did not fail").toEqual({ code: null, stderr: "" });
}

interface PrintedEvent {
  readonly id: string;
  readonly stream: string;
  readonly version: number;
  readonly position: string;
  readonly batch: string;
  readonly size: number;
  readonly whole: boolean;
}

async function printLog(path: string): Promise<readonly PrintedEvent[]> {
  await using program = runProgram("print-log", [path]);
  const events: PrintedEvent[] = [];
  for await (const line of program.lines) events.push(JSON.parse(line));
  expect(await program.ended).toEqual({ code: 0, stderr: "" });
  return events;
}

function checkLog(events: readonly PrintedEvent[], acknowledged: ReadonlySet<string>): void {
  const ids = new Set(events.map((event) => event.id));
  expect(ids.size, "no event is there twice").toBe(events.length);
  expect(
    [...acknowledged].filter((id) => !ids.has(id)),
    "nothing acknowledged is lost",
  ).toEqual([]);
  expect(
    events.filter((event) => !event.whole),
    "nothing is torn",
  ).toEqual([]);
  expect(events.map((event) => event.position)).toEqual(
    events.map((_, index) => String(index + 1)),
  );
  const versions = new Map<string, number>();
  const batches = new Map<string, number>();
  for (const { stream, version, batch } of events) {
    expect(version, `the versions of ${stream} have no gap`).toBe((versions.get(stream) ?? 0) + 1);
    versions.set(stream, version);
    batches.set(batch, (batches.get(batch) ?? 0) + 1);
  }
  expect(
    events.filter(({ batch, size }) => batches.get(batch) !== size),
    "batches are whole",
  ).toEqual([]);
}
