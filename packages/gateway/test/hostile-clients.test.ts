import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import path from "node:path";
import { array, assert, asyncProperty, constantFrom, oneof, string } from "fast-check";
import { expect, test } from "vitest";
import { ask, begin, rawExchange, textOf } from "./support/ask.ts";
import { gatewayBed, planOf, socketOf } from "./support/gateway-bed.ts";
import { sse, stubUpstream } from "./support/stub-upstream.ts";
import { until } from "./support/until.ts";

const HEAD = "host: localhost\r\nx-api-key: placeholder\r\n";

const REFUSED: readonly [name: string, method: string, url: string][] = [
  ["another path", "GET", "/v1/models"],
  ["another method", "GET", "/v1/messages"],
  ["an absolute address", "POST", "http://evil.example/v1/messages"],
  ["an absolute address of the upstream", "POST", "http://127.0.0.1/v1/messages"],
  ["a path that climbs", "POST", "/v1/messages/../organizations/me"],
  ["a path that climbs in code", "POST", "/v1/messages/%2e%2e/organizations/me"],
  ["an encoded slash", "POST", "/v1%2fmessages"],
  ["an encoded letter", "POST", "/v1/m%65ssages"],
  ["a doubled slash", "POST", "//v1/messages"],
  ["a host in the path", "POST", "//evil.example/v1/messages"],
  ["a backslash", "POST", "/v1\\messages"],
  ["a trailing slash", "POST", "/v1/messages/"],
  ["other letters", "POST", "/V1/Messages"],
  ["a matrix parameter", "POST", "/v1/messages;x=1"],
  ["a query with a path", "POST", "/v1/messages?/../x"],
  ["a query that is too long", "POST", `/v1/messages?${"a".repeat(300)}`],
  ["batches", "POST", "/v1/messages/batches"],
  ["a star", "OPTIONS", "*"],
];

test.each(REFUSED)("%s is refused with 403 in the API's shape", async (_, method, url) => {
  await using upstream = await stubUpstream();
  await using bed = gatewayBed(upstream.url);
  const socket = socketOf(await bed.gateway().attach(planOf("run-1")));
  const answer = await rawExchange(
    socket,
    `${method} ${url} HTTP/1.1\r\n${HEAD}content-length: 2\r\nconnection: close\r\n\r\n{}`,
  );

  expect(answer).toMatch(/^HTTP\/1.1 403 /);
  expect(bodyOf(answer)).toMatchObject({ type: "error", error: { type: "permission_error" } });
  expect(upstream.asked).toEqual([]);
  await until("it is recorded", () => bed.audit().length === 1);
  expect(bed.audit()[0]).toMatchObject({ outcome: "refused", status: 403, method });
});

test("no target but the allowed ones ever reaches the upstream", async () => {
  await using upstream = await stubUpstream();
  await using bed = gatewayBed(upstream.url);
  const socket = socketOf(await bed.gateway().attach(planOf("run-1")));
  const piece = constantFrom(
    "/v1/messages",
    "/v1",
    "/messages",
    "..",
    ".",
    "/",
    "//",
    "%2e",
    "%2f",
    "%00",
    ";",
    "?",
    "#",
    "@",
    ":",
    "\\",
    "http://",
    "127.0.0.1",
    "/count_tokens",
    "a",
    "é",
  );
  const method = constantFrom("POST", "GET", "PUT", "HEAD", "OPTIONS", "TRACE", "PATCH");
  const target = array(piece, { minLength: 1, maxLength: 5 }).map((pieces) => pieces.join(""));
  await assert(
    asyncProperty(method, target, async (verb, url) => {
      const before = upstream.asked.length;
      await rawExchange(
        socket,
        `${verb} ${url} HTTP/1.1\r\n${HEAD}content-length: 2\r\nconnection: close\r\n\r\n{}`,
      );
      const [asked] = upstream.asked.slice(before);
      if (asked === undefined) return;
      expect(asked.method).toBe("POST");
      expect(asked.url).toMatch(/^\/v1\/messages(\/count_tokens)?(\?[^#@/\\:]*)?$/);
    }),
    { numRuns: 300 },
  );
});

test("no bytes at all bring the process down", async () => {
  await using upstream = await stubUpstream();
  await using bed = gatewayBed(upstream.url);
  const socket = socketOf(await bed.gateway().attach(planOf("run-1")));
  const pid = bed.pid();
  const line = constantFrom(
    "POST /v1/messages HTTP/1.1",
    "GET / HTTP/1.0",
    "host: x",
    "transfer-encoding: chunked",
    "content-length: 5",
    "connection: keep-alive, upgrade",
    "upgrade: websocket",
    "expect: 100-continue",
    "anthropic-beta: \u00ff\u007f",
    "",
    "5",
    "hello",
    "0",
  );
  const noise = oneof(line, string({ unit: "binary", maxLength: 30 }));
  await assert(
    asyncProperty(array(noise, { minLength: 1, maxLength: 20 }), async (lines) => {
      const client = connect(socket).on("error", () => undefined);
      client.resume().end(lines.join("\r\n"));
      await once(client, "close");
    }),
    { numRuns: 500 },
  );
  expect((await ask(socket)).status).toBe(200);
  expect(bed.pid()).toBe(pid);
  expect(readFileSync(path.join(bed.root, "gateway.log"), "utf8")).toBe("");
});

test("a tunnel is refused", async () => {
  await using upstream = await stubUpstream();
  await using bed = gatewayBed(upstream.url);
  const socket = socketOf(await bed.gateway().attach(planOf("run-1")));
  const target = `127.0.0.1:${upstream.port}`;
  const answer = await rawExchange(socket, `CONNECT ${target} HTTP/1.1\r\nhost: ${target}\r\n\r\n`);
  expect(answer).toMatch(/^HTTP\/1.1 403 /);
  expect(bodyOf(answer)).toMatchObject({ error: { type: "permission_error" } });
  await until("it is recorded", () => bed.audit().length === 1);
  expect(bed.audit()[0]).toMatchObject({ reason: "tunnel", method: "CONNECT" });
});

test.each(["websocket", "h2c"])(
  "an upgrade to %s is refused, on an allowed path too",
  async (to) => {
    await using upstream = await stubUpstream();
    await using bed = gatewayBed(upstream.url);
    const socket = socketOf(await bed.gateway().attach(planOf("run-1")));
    const answer = await rawExchange(
      socket,
      `POST /v1/messages HTTP/1.1\r\n${HEAD}connection: upgrade\r\nupgrade: ${to}\r\ncontent-length: 2\r\n\r\n{}`,
    );
    expect(answer).toMatch(/^HTTP\/1.1 403 /);
    expect(upstream.asked).toEqual([]);
  },
);

test.each([
  ["no HTTP at all", "hello there\r\n\r\n", 400],
  ["HTTP/2 without asking", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400],
  [
    "two lengths",
    `POST /v1/messages HTTP/1.1\r\n${HEAD}content-length: 2\r\ncontent-length: 3\r\n\r\n{}`,
    400,
  ],
  [
    "a length and chunks",
    `POST /v1/messages HTTP/1.1\r\n${HEAD}content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`,
    400,
  ],
  ["no host", "POST /v1/messages HTTP/1.1\r\ncontent-length: 0\r\n\r\n", 400],
  ["a bare line feed in a header", `POST /v1/messages HTTP/1.1\r\n${HEAD}x: a\nb: c\r\n\r\n`, 400],
  [
    "headers of 64 KiB",
    `POST /v1/messages HTTP/1.1\r\n${HEAD}x: ${"a".repeat(65_536)}\r\n\r\n`,
    431,
  ],
  [
    "an unknown expectation",
    `POST /v1/messages HTTP/1.1\r\n${HEAD}expect: magic\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`,
    417,
  ],
  [
    "an encoded body",
    `POST /v1/messages HTTP/1.1\r\n${HEAD}content-encoding: gzip\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`,
    415,
  ],
])("%s is refused and reaches nobody", async (_, text, status) => {
  await using upstream = await stubUpstream();
  await using bed = gatewayBed(upstream.url);
  const socket = socketOf(await bed.gateway().attach(planOf("run-1")));
  expect(await rawExchange(socket, text)).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  expect(upstream.asked).toEqual([]);
  // And the next honest request passes.
  expect((await ask(socket)).status).toBe(200);
});

test("of pipelined requests the first is answered, the second refused, and the rest cut off", async () => {
  await using upstream = await stubUpstream((response) => {
    setTimeout(() => response.end("first"), 50);
  });
  await using bed = gatewayBed(upstream.url);
  const socket = socketOf(await bed.gateway().attach(planOf("run-1")));
  const one = `POST /v1/messages HTTP/1.1\r\n${HEAD}content-length: 2\r\n\r\n{}`;

  const answer = await rawExchange(socket, one + one);
  expect(answer).toMatch(/^HTTP\/1.1 200 [\s\S]*first[\s\S]*HTTP\/1.1 400 [\s\S]*one request/);
  expect(upstream.asked).toHaveLength(1);

  await rawExchange(socket, one.repeat(500));
  expect(upstream.asked.length).toBeLessThanOrEqual(2);
  expect((await ask(socket)).status).toBe(200);
});

test("a body beyond the limit is refused: announced at once, else as soon as it is too long", async () => {
  await using upstream = await stubUpstream();
  await using bed = gatewayBed(upstream.url);
  const gateway = bed.gateway({ limits: { bodyBytes: 1_000 } });
  const socket = socketOf(await gateway.attach(planOf("run-1")));

  const announced = await rawExchange(
    socket,
    `POST /v1/messages HTTP/1.1\r\n${HEAD}content-length: 99999999999\r\n\r\n`,
  );
  expect(bodyOf(announced)).toMatchObject({ error: { type: "request_too_large" } });
  const chunk = `258\r\n${"x".repeat(600)}\r\n`;
  const streamed = await rawExchange(
    socket,
    `POST /v1/messages HTTP/1.1\r\n${HEAD}transfer-encoding: chunked\r\n\r\n${chunk}${chunk}`,
  );
  expect(streamed).toMatch(/^HTTP\/1.1 413 /);
  // No complete request came through.
  expect(upstream.asked).toEqual([]);
  expect((await ask(socket, { body: "x".repeat(1_000) })).status).toBe(200);
});

test("a run that opens a request and says no more holds nothing at the upstream", async () => {
  await using upstream = await stubUpstream();
  await using bed = gatewayBed(upstream.url);
  const socket = socketOf(await bed.gateway().attach(planOf("run-1")));
  const slow = connect(socket);
  slow.write(`POST /v1/messages HTTP/1.1\r\n${HEAD}content-length: 10\r\n\r\n`);
  expect((await ask(socket)).status).toBe(200);
  expect(await upstream.connections()).toBe(1);
  slow.destroy();
});

test("whoever sends headers letter by letter is cut off after ten seconds", async () => {
  await using upstream = await stubUpstream();
  await using bed = gatewayBed(upstream.url);
  const socket = socketOf(await bed.gateway().attach(planOf("run-1")));
  const slow = connect(socket);
  const silent = connect(socket);
  const texts: string[] = [];
  slow.on("data", (chunk) => texts.push(chunk.toString()));
  slow.on("error", () => undefined);
  silent.on("data", () => undefined);
  slow.write("POST /v1/messages HTTP/1.1\r\n");
  const drip = setInterval(() => slow.writable && slow.write("x"), 100);
  const start = performance.now();
  await Promise.all([once(slow, "close"), once(silent, "close")]);
  clearInterval(drip);

  expect(performance.now() - start).toBeLessThan(20_000);
  expect(texts.join("")).toMatch(/^HTTP\/1.1 408 /);
  expect((await ask(socket)).status).toBe(200);
});

test("a run may have so many requests in flight and no more, and others are not concerned", async () => {
  const { promise: finish, resolve: sayFinish } = Promise.withResolvers<void>();
  await using upstream = await stubUpstream((response) => {
    response.writeHead(200).write(sse("ping"));
    void finish.then(() => response.end());
  });
  await using bed = gatewayBed(upstream.url);
  const gateway = bed.gateway({ limits: { requests: 2 } });
  const socket = socketOf(await gateway.attach(planOf("run-1")));
  const other = socketOf(await gateway.attach(planOf("run-2")));
  const held = [await begin(socket), await begin(socket)];
  const third = await ask(socket);

  expect([third.status, third.headers["x-should-retry"]]).toEqual([503, "true"]);
  held.push(await begin(other));
  sayFinish();
  for (const { answer } of held) expect(await textOf(answer)).toBe(sse("ping"));
});

test("a run that opens connections without end is cut off, and others are not concerned", async () => {
  await using upstream = await stubUpstream();
  await using bed = gatewayBed(upstream.url);
  const gateway = bed.gateway();
  const socket = socketOf(await gateway.attach(planOf("run-1")));
  const other = socketOf(await gateway.attach(planOf("run-2")));
  const flood = Array.from({ length: 500 }, () => connect(socket).on("error", () => undefined));
  let closed = 0;
  for (const connection of flood) connection.on("close", () => (closed += 1)).resume();
  await until("most are cut off", () => closed >= 400);
  expect((await ask(other)).status).toBe(200);
  for (const connection of flood) connection.destroy();
});

test("refusals without end fill no disk: so many lines a minute, the rest as a number", async () => {
  await using upstream = await stubUpstream();
  await using bed = gatewayBed(upstream.url);
  const gateway = bed.gateway();
  const attachment = await gateway.attach(planOf("run-1"));
  for (let n = 0; n < 400; n += 1) {
    await ask(socketOf(attachment), { method: "GET", path: `/${"x".repeat(500)}`, body: "" });
  }
  await gateway.detach(planOf("run-1"));
  const lines = (): Record<string, unknown>[] => bed.audit();
  await until("the rest is counted", () => lines().some((line) => "suppressed" in line));
  const suppressed = lines().reduce((sum, line) => sum + Number(line["suppressed"] ?? 0), 0);
  const single = lines().filter((line) => !("suppressed" in line)).length;
  expect(single + suppressed).toBe(400);
  // Two windows, if the minute turned during the test.
  expect(single).toBeLessThanOrEqual(240);
  expect(Math.max(...lines().map((line) => String(line["path"]).length))).toBe(200);
});

function bodyOf(answer: string): unknown {
  return JSON.parse(answer.slice(answer.indexOf("\r\n\r\n") + 4));
}
