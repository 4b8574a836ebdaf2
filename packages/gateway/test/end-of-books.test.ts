// When books end: what the contract cannot see, the files and figures that only the books have.
import { existsSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { ask } from "./support/ask.ts";
import { gatewayBed, planOf, socketOf, type GatewayBed } from "./support/gateway-bed.ts";
import { readingsOf } from "./support/readings.ts";
import { stubUpstream } from "./support/stub-upstream.ts";
import { isAlive, until } from "./support/until.ts";

const session = { owner: "store-1", sessionId: "task-42" };
const run = { sessionId: "task-42", runId: "run-1" };
const ended = (): boolean => true;

test("erase() leaves no file of the session, while a request of it is still under way", async () => {
  const { promise: held, resolve: letGo } = Promise.withResolvers<void>();
  await using upstream = await stubUpstream((response) => {
    response.write("event: ping\n\n");
    void held.then(() => response.end());
  });
  await using bed = gatewayBed(upstream.url);
  const gateway = bed.gateway();
  const attachment = await gateway.attach(planOf("run-1"));
  const asked = ask(socketOf(attachment)).catch((error: unknown) => error);
  await until("the model works", () => upstream.asked.length === 1);
  expect(booksOf(bed)).toHaveLength(1);
  await gateway.erase(session);
  letGo();
  await asked;

  expect(booksOf(bed)).toEqual([]);
  expect(existsSync(attachment.folders[0]!.host)).toBe(false);
  expect(readdirSync(path.join(bed.root, "attached"))).toEqual([]);
  // Whoever asks afterwards does not make them anew.
  expect(await readingsOf(gateway)).toEqual([]);
  expect(booksOf(bed)).toEqual([]);
});

test("erase() of books whose process is dead starts one, and of nothing starts none", async () => {
  await using upstream = await stubUpstream();
  await using bed = gatewayBed(upstream.url);
  const gateway = bed.gateway();
  await gateway.erase(session);
  expect(existsSync(path.join(bed.root, "pid"))).toBe(false);
  await ask(socketOf(await gateway.attach(planOf("run-1"))));
  await gateway.close();
  const pid = bed.pid();
  process.kill(pid, "SIGKILL");
  await until("the process is gone", () => !isAlive(pid));
  await bed.gateway().erase(session);
  expect(booksOf(bed)).toEqual([]);
  expect(readdirSync(path.join(bed.root, "r"))).toEqual([]);
});

test("tidy() removes the file of a session that has ended, and starts no process to find none", async () => {
  await using upstream = await stubUpstream();
  await using bed = gatewayBed(upstream.url);
  const gateway = bed.gateway({ idleMs: 50 });
  await recordedAndOver(bed, gateway);
  expect(booksOf(bed)).toHaveLength(1);
  await gateway.tidy("store-1", () => false);
  await gateway.tidy("store-2", ended);
  expect(booksOf(bed)).toHaveLength(1);
  await gateway.tidy("store-1", ended);
  expect(booksOf(bed)).toEqual([]);

  const pid = bed.pid();
  await until("the process ends", () => !isAlive(pid));
  await gateway.tidy("store-1", ended);
  expect(existsSync(path.join(bed.root, "pid"))).toBe(false);
});

test("books stay where a cap on bytes rests on them: no log knows how many there were", async () => {
  await using upstream = await stubUpstream((response) => response.end("x".repeat(6_000)));
  await using bed = gatewayBed(upstream.url);
  const gateway = bed.gateway({ budget: { bytes: 5_000 } });
  await recordedAndOver(bed, gateway);
  await gateway.tidy("store-1", ended);
  const again = await gateway.attach(planOf("run-2"));
  expect((await ask(socketOf(again))).status).toBe(402);

  // Without the cap, nothing needs them.
  await gateway.detach({ ...run, runId: "run-2" });
  await readAll(gateway);
  const uncapped = bed.gateway();
  await uncapped.attach(planOf("run-3"));
  await uncapped.detach({ ...run, runId: "run-3" });
  await uncapped.tidy("store-1", ended);
  expect(booksOf(bed)).toEqual([]);
});

test("books of a version that did not write whose they are stay, until they are used again", async () => {
  await using upstream = await stubUpstream();
  await using bed = gatewayBed(upstream.url);
  const gateway = bed.gateway();
  await recordedAndOver(bed, gateway);
  const [file] = booksOf(bed);
  const {
    of,
    holdsBytes: _,
    ...old
  } = JSON.parse(readFileSync(file!, "utf8")) as object & {
    of: unknown;
    holdsBytes: unknown;
  };
  expect(of).toEqual(session);
  writeFileSync(file!, `${JSON.stringify(old)}\n`);
  await gateway.tidy("store-1", ended);
  expect(booksOf(bed)).toHaveLength(1);
  await recordedAndOver(bed, gateway);
  await gateway.tidy("store-1", ended);
  expect(booksOf(bed)).toEqual([]);
});

type Gateway = ReturnType<GatewayBed["gateway"]>;

/** A run that asked once, is over, and of which everything is recorded. */
async function recordedAndOver(bed: GatewayBed, gateway: Gateway): Promise<void> {
  await ask(socketOf(await gateway.attach(planOf("run-1")))).catch(() => undefined);
  await until("it is on record", () => bed.audit().length > 0);
  await gateway.detach(run);
  await readAll(gateway);
}

async function readAll(gateway: Gateway): Promise<void> {
  const { signal } = new AbortController();
  for await (const _ of gateway.readings(session, { after: {}, follow: false, signal })) continue;
}

function booksOf({ root }: GatewayBed): readonly string[] {
  const folder = path.join(root, "books");
  return existsSync(folder) ? readdirSync(folder).map((name) => path.join(folder, name)) : [];
}
