import { expect, test } from "vitest";
import { postgresStore } from "@waybill/store-postgres";
import { describeWithPostgres } from "../../../integration/postgres-server.ts";
import type { PostgresServer } from "../../../integration/postgres-server.ts";
import { all, newEvents } from "./events.ts";
import { rawClient } from "./raw-client.ts";
import { runProgram } from "./program.ts";
import { newSchema } from "./schemas.ts";

// More rounds: WAYBILL_CRASH_ROUNDS=50.
const rounds = Number(
  process.env["WAYBILL_CRASH_ROUNDS"] ?? (process.env["WAYBILL_LONG"] === "1" ? 50 : 3),
);

await describeWithPostgres("after a SIGKILL", (server) => {
  test(`what was acknowledged before a SIGKILL of the client is in the log, whole and without gaps, ${rounds} times over`, async () => {
    await killAndCheck(server(), async (kill) => kill());
  }, 600_000);

  test("what was acknowledged before a crash of the server is in the log, whole and without gaps", async () => {
    await killAndCheck(
      server(),
      async () => {
        await server().stop("immediate");
        await server().start();
      },
      3,
    );
  }, 600_000);

  test("where the database's own default is not to wait for the disk, the store waits all the same", async () => {
    const schema = newSchema();
    await using raw = await rawClient(server().url, "public");
    await raw.query("ALTER ROLE waybill SET synchronous_commit TO off");
    await using store = postgresStore({ url: server().url, schema });
    await store.open();
    for (let round = 1; round <= 3; round += 1) {
      for (let count = 0; count < 20; count += 1) await store.append("s", "any", newEvents(1));
      await server().stop("immediate");
      await server().start();
      expect(await all(store.read("s"))).toHaveLength(20 * round);
    }
  });

  test("an idle store does not keep its process alive", async () => {
    await using program = runProgram("forget-to-close", [server().url, newSchema()]);
    expect(await program.nextLine()).toBe("appended");
    expect(await program.ended).toEqual({ code: 0, stderr: "" });
  });
});

/** Lets a program append, brings about the crash in the middle, and looks from another process. */
async function killAndCheck(
  { url }: PostgresServer,
  crash: (kill: () => void) => Promise<void>,
  times: number = rounds,
): Promise<void> {
  const schema = newSchema();
  const acknowledged = new Set<string>();
  for (let round = 1; round <= times; round += 1) {
    await using program = runProgram("append-until-killed", [url, schema, String(round)]);
    let left = Math.floor(1 + Math.random() * 200);
    let crashing: Promise<void> | null = null;
    for await (const line of program.lines) {
      for (const id of line.split(" ")) acknowledged.add(id);
      left -= 1;
      // Not awaited: what it acknowledges until the signal arrives counts too.
      if (left === 0) crashing = crash(() => program.process.kill("SIGKILL"));
      // After a crash of the server the program must go on by itself.
      if (left === -50) program.process.kill("SIGKILL");
    }
    await crashing;
    expect(await program.ended, "it was killed and did not fail").toEqual({
      code: null,
      stderr: "",
    });
    checkLog(await printLog(url, schema), acknowledged);
  }
  expect(acknowledged.size).toBeGreaterThan(times * 10);
}

interface PrintedEvent {
  readonly id: string;
  readonly stream: string;
  readonly version: number;
  readonly batch: string;
  readonly size: number;
  readonly whole: boolean;
}

async function printLog(url: string, schema: string): Promise<readonly PrintedEvent[]> {
  await using program = runProgram("print-log", [url, schema]);
  const events: PrintedEvent[] = [];
  for await (const line of program.lines) events.push(JSON.parse(line));
  expect(await program.ended).toEqual({ code: 0, stderr: "" });
  return events;
}

function checkLog(events: readonly PrintedEvent[], acknowledged: ReadonlySet<string>): void {
  const ids = new Set(events.map((event) => event.id));
  expect(ids.size, "no event is there twice").toBe(events.length);
  const lost = [...acknowledged].filter((id) => !ids.has(id));
  expect(lost, "nothing acknowledged is lost").toEqual([]);
  expect(
    events.filter((event) => !event.whole),
    "nothing is torn",
  ).toEqual([]);
  const versions = new Map<string, number>();
  const batches = new Map<string, number>();
  for (const { stream, version, batch } of events) {
    expect(version, `the versions of ${stream} have no gap`).toBe((versions.get(stream) ?? 0) + 1);
    versions.set(stream, version);
    batches.set(batch, (batches.get(batch) ?? 0) + 1);
  }
  const torn = events.filter(({ batch, size }) => batches.get(batch) !== size);
  expect(torn, "batches are whole").toEqual([]);
}
