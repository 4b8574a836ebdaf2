// What a session costs is read from what passes, kept on disk, and bounded, whatever its agent says.
import { once } from "node:events";
import { rmSync, writeFileSync } from "node:fs";
import { Agent } from "node:http";
import path from "node:path";
import { expect, test } from "vitest";
import { ask, begin, textOf } from "./support/ask.ts";
import { gatewayBed, planOf, socketOf } from "./support/gateway-bed.ts";
import { readingsOf, usageOf } from "./support/readings.ts";
import { messageEvents, sse, stubUpstream } from "./support/stub-upstream.ts";
import { until } from "./support/until.ts";

const price = { input: 3, output: 15, cacheRead: 0.3, cacheWrite: 3.75 };
/** A message of the stub costs 3 tokens in and 3 out. */
const MESSAGE_TOKENS = 6;

test("a stream is metered by what it says itself, and the run gets it unchanged", async () => {
  await using upstream = await stubUpstream();
  await using bed = gatewayBed(upstream.url);
  const gateway = bed.gateway({ prices: { "claude-test": price } });
  const { text } = await ask(socketOf(await gateway.attach(planOf("run-1"))));

  expect(text).toBe(messageEvents("hello").join(""));
  expect(await readingsOf(gateway)).toEqual([
    {
      type: "usage",
      mark: { ledger: expect.any(String), seq: 1 },
      runId: "run-1",
      at: expect.any(Number),
      model: "claude-test",
      inputTokens: 3,
      outputTokens: 3,
      cacheReadTokens: 0,
      cacheWriteTokens: 0,
      costUsd: (3 * 3 + 3 * 15) / 1_000_000,
      estimated: false,
    },
  ]);
});

test("an answer that is one JSON object is metered, with each price for its kind of token", async () => {
  await using upstream = await stubUpstream((response) => {
    response.writeHead(200, { "content-type": "application/json" });
    const content = [{ type: "text", text: '{"usage":{"input_tokens":9999}}' }];
    const usage = {
      input_tokens: 1_000,
      output_tokens: 200,
      cache_read_input_tokens: 30_000,
      cache_creation_input_tokens: 5_000,
      cache_creation: { ephemeral_5m_input_tokens: 1_000, ephemeral_1h_input_tokens: 4_000 },
    };
    response.end(JSON.stringify({ type: "message", content, usage }));
  });
  await using bed = gatewayBed(upstream.url);
  const gateway = bed.gateway({ prices: { "claude-test": { ...price, cacheWriteHour: 6 } } });
  await ask(socketOf(await gateway.attach(planOf("run-1"))));
  const [usage] = await usageOf(gateway);

  expect(usage).toMatchObject({
    inputTokens: 1_000,
    outputTokens: 200,
    cacheReadTokens: 30_000,
    cacheWriteTokens: 5_000,
    estimated: false,
  });
  const expected = 1_000 * 3 + 200 * 15 + 30_000 * 0.3 + 1_000 * 3.75 + 4_000 * 6;
  expect(usage!.costUsd).toBeCloseTo(expected / 1_000_000, 12);
});

test("at its cap of tokens a session hears 402, not to be retried, and the upstream nothing", async () => {
  await using upstream = await stubUpstream();
  await using bed = gatewayBed(upstream.url);
  const gateway = bed.gateway({ budget: { tokens: 2 * MESSAGE_TOKENS } });
  const socket = socketOf(await gateway.attach(planOf("run-1")));
  const other = socketOf(await gateway.attach(planOf("run-2", { sessionId: "task-7" })));
  expect([(await ask(socket)).status, (await ask(socket)).status]).toEqual([200, 200]);
  const { status, headers, text } = await ask(socket);

  expect([status, headers["x-should-retry"]]).toEqual([402, "false"]);
  expect(JSON.parse(text)).toEqual({
    type: "error",
    error: { type: "billing_error", message: expect.stringContaining("12 tokens") },
  });
  expect(upstream.asked).toHaveLength(2);
  expect((await readingsOf(gateway)).at(-1)).toMatchObject({
    type: "refused",
    reason: "budget-spent",
  });
  // It is the session's: another run of it has no more, another session has its own.
  const again = socketOf(await gateway.attach(planOf("run-3")));
  expect([(await ask(again)).status, (await ask(other)).status]).toEqual([402, 200]);
});

test("a cap in dollars refuses a model that has no price", async () => {
  await using upstream = await stubUpstream();
  await using bed = gatewayBed(upstream.url);
  const gateway = bed.gateway({ prices: { "claude-other": price }, budget: { usd: 1 } });
  const { status, text } = await ask(socketOf(await gateway.attach(planOf("run-1"))));
  expect([status, text]).toEqual([403, expect.stringContaining("no price")]);
  expect(upstream.asked).toEqual([]);
});

test("the session's own cap holds, and a raised one holds from the next request on, on the same connection", async () => {
  await using upstream = await stubUpstream();
  await using bed = gatewayBed(upstream.url);
  const gateway = bed.gateway({ prices: { "claude-test": price }, budget: { usd: 1_000 } });
  const terms = { capUsd: 0.000_05, spentUsd: 0, spentTokens: 0 };
  const socket = socketOf(await gateway.attach(planOf("run-1"), terms));
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  expect((await ask(socket, { agent })).status).toBe(200);
  expect((await ask(socket, { agent })).status).toBe(402);
  await gateway.attach(planOf("run-1"), { ...terms, capUsd: 5 });
  expect((await ask(socket, { agent })).status).toBe(200);
  // Without terms nothing changes, and no cap means none.
  await gateway.attach(planOf("run-1"));
  expect((await ask(socket, { agent })).status).toBe(200);
  agent.destroy();
});

test("what the host has recorded counts where the books are new: they were lost, or are another machine's", async () => {
  await using upstream = await stubUpstream();
  await using bed = gatewayBed(upstream.url);
  const gateway = bed.gateway({ prices: { "claude-test": price } });
  const terms = { capUsd: 2, spentUsd: 1.9, spentTokens: 100 };
  const socket = socketOf(await gateway.attach(planOf("run-1"), terms));
  expect((await ask(socket)).status).toBe(200);
  await gateway.attach(planOf("run-1"), { ...terms, spentUsd: 2 });
  expect((await ask(socket)).status).toBe(402);
});

test("bytes beyond the cap break an answer off", async () => {
  await using upstream = await stubUpstream((response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    for (let n = 0; n < 1_000; n += 1) response.write(sse("ping", { filler: "x".repeat(1_000) }));
    response.end();
  });
  await using bed = gatewayBed(upstream.url);
  const gateway = bed.gateway({ budget: { bytes: 200_000 } });
  const socket = socketOf(await gateway.attach(planOf("run-1")));
  const { answer } = await begin(socket);
  await expect(textOf(answer)).rejects.toMatchObject({ code: "ECONNRESET" });
  expect((await ask(socket)).status).toBe(402);
  await until("both are recorded", () => bed.audit().length === 2);
  expect(bed.audit()).toMatchObject([
    { status: 200, outcome: "refused", reason: "budget-spent" },
    { status: 402, outcome: "refused", reason: "budget-spent" },
  ]);
});

test("budgets and readings outlive a SIGKILL of the process: nothing is lost or told twice", async () => {
  await using upstream = await stubUpstream();
  await using bed = gatewayBed(upstream.url);
  const gateway = bed.gateway({ budget: { tokens: 3 * MESSAGE_TOKENS } });
  const socket = socketOf(await gateway.attach(planOf("run-1")));
  await ask(socket);
  await ask(socket);
  const before = await usageOf(gateway);
  process.kill(bed.pid(), "SIGKILL");
  await until("it is served again", async () => {
    const status = await ask(socket).then(
      (answer) => answer.status,
      () => 0,
    );
    return status === 200;
  });
  expect((await ask(socket)).status).toBe(402);

  const { ledger } = before[1]!.mark;
  const after = await readingsOf(gateway, { [ledger]: 1 });
  expect(after[0]).toEqual(before[1]);
  expect(after.map(({ mark }) => mark.seq)).toEqual(after.map((_, index) => index + 2));
  expect(after.filter(({ type }) => type === "usage")).toHaveLength(2);
  expect(new Set(after.map(({ mark }) => mark.ledger)).size).toBe(1);
});

test("a request that was with the model when the process died is charged by a guess", async () => {
  let n = 0;
  await using upstream = await stubUpstream((response) => {
    n += 1;
    if (n > 1) return;
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.end(messageEvents("hello").join(""));
  });
  await using bed = gatewayBed(upstream.url);
  const gateway = bed.gateway({ prices: { "claude-test": price } });
  const socket = socketOf(await gateway.attach(planOf("run-1")));
  await ask(socket);
  const lost = ask(socket);
  await until("the model is asked", () => n === 2);
  process.kill(bed.pid(), "SIGKILL");
  await expect(lost).rejects.toMatchObject({ code: "ECONNRESET" });
  await until("the books are read again", async () => (await usageOf(gateway)).length === 2);
  // The same request as the one before it, which had three tokens in.
  expect((await usageOf(gateway))[1]).toMatchObject({
    inputTokens: 3,
    outputTokens: 0,
    costUsd: (3 * 3) / 1_000_000,
    estimated: true,
  });
});

test("a run that leaves just before the stream says its cost is charged all the same", async () => {
  await using upstream = await stubUpstream((response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    const [start = "", ...more] = messageEvents("x".repeat(4_000));
    response.write(start + more.slice(0, 2).join(""));
  });
  await using bed = gatewayBed(upstream.url);
  const gateway = bed.gateway();
  const { call, answer } = await begin(socketOf(await gateway.attach(planOf("run-1"))));
  answer.on("error", () => undefined);
  let bytes = 0;
  answer.on("data", (chunk: Buffer) => (bytes += chunk.length));
  await until("the text is there", () => bytes > 4_000);
  call.destroy();
  await until("it is charged", async () => (await usageOf(gateway)).length === 1);
  const [usage] = await usageOf(gateway);
  expect(usage).toMatchObject({
    inputTokens: 3,
    outputTokens: Math.ceil(bytes / 16),
    estimated: true,
  });
});

test("a request that the upstream refuses costs nothing, and so does counting tokens", async () => {
  await using upstream = await stubUpstream((response, { url }) => {
    response.writeHead(url.includes("count") ? 200 : 529, { "content-type": "application/json" });
    response.end('{"input_tokens":5000,"type":"error"}');
  });
  await using bed = gatewayBed(upstream.url);
  const gateway = bed.gateway({ budget: { tokens: 1 } });
  const socket = socketOf(await gateway.attach(planOf("run-1")));
  expect((await ask(socket)).status).toBe(529);
  expect((await ask(socket, { path: "/v1/messages/count_tokens" })).status).toBe(200);
  expect(await readingsOf(gateway)).toEqual([]);
});

test("readings come as they happen to whoever follows, each once, also across a restart of the host", async () => {
  await using upstream = await stubUpstream();
  await using bed = gatewayBed(upstream.url);
  const first = bed.gateway();
  const socket = socketOf(await first.attach(planOf("run-1")));
  const stop = new AbortController();
  const how = { follow: true, signal: stop.signal } as const;
  const session = { owner: "store-1", sessionId: "task-42" };
  const seen: number[] = [];
  let ledger = "";
  const following = (async () => {
    for await (const batch of first.readings(session, { ...how, after: {} })) {
      for (const { mark } of batch) {
        seen.push(mark.seq);
        ({ ledger } = mark);
      }
    }
  })();
  for (let n = 1; n <= 3; n += 1) {
    await ask(socket);
    await until("it is heard", () => seen.length === n);
  }
  stop.abort();
  await following;
  await first.close();

  await ask(socket);
  const second = bed.gateway();
  const late = await readingsOf(second, { [ledger]: 3 });
  expect([...seen, ...late.map(({ mark }) => mark.seq)]).toEqual([1, 2, 3, 4]);
});

test("what was under way at detach() stands in the books afterwards, also for another gateway", async () => {
  await using upstream = await stubUpstream((response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write(messageEvents("hello").slice(0, 2).join(""));
  });
  await using bed = gatewayBed(upstream.url);
  const gateway = bed.gateway();
  const { answer } = await begin(socketOf(await gateway.attach(planOf("run-1"))));
  answer.on("error", () => undefined);
  await once(answer, "data");
  await gateway.detach(planOf("run-1"));
  const [left] = await usageOf(bed.gateway());
  expect(left).toMatchObject({ runId: "run-1", inputTokens: 3, estimated: true });
  // Until it is recorded, it stays.
  expect(await usageOf(gateway)).toEqual([left]);
  expect(await usageOf(gateway, { [left!.mark.ledger]: left!.mark.seq })).toEqual([]);
  expect(await usageOf(gateway)).toEqual([]);
});

test("refusals without end are few readings", async () => {
  await using upstream = await stubUpstream();
  await using bed = gatewayBed(upstream.url);
  const gateway = bed.gateway();
  const socket = socketOf(await gateway.attach(planOf("run-1")));
  for (let n = 0; n < 200; n += 1) await ask(socket, { path: "/v1/files", body: "" });
  await gateway.detach(planOf("run-1"));
  const counts = (await readingsOf(gateway)).map((reading) =>
    reading.type === "refused" ? reading.count : Number.NaN,
  );
  expect(counts.reduce((sum, count) => sum + count, 0)).toBe(200);
  expect(counts.length).toBeLessThanOrEqual(4);
});

test("books that cannot be written stop nobody, still bound what is spent, and catch up", async () => {
  await using upstream = await stubUpstream();
  await using bed = gatewayBed(upstream.url);
  const gateway = bed.gateway({ budget: { tokens: 2 * MESSAGE_TOKENS } });
  writeFileSync(path.join(bed.root, "books"), "in the way");
  const socket = socketOf(await gateway.attach(planOf("run-1")));
  expect((await ask(socket)).status).toBe(200);
  expect((await ask(socket)).status).toBe(200);
  expect((await ask(socket)).status).toBe(402);
  rmSync(path.join(bed.root, "books"));
  await gateway.detach(planOf("run-1"));
  expect((await readingsOf(gateway)).map(({ mark, type }) => [mark.seq, type])).toEqual([
    [1, "usage"],
    [2, "usage"],
    [3, "refused"],
  ]);
});
