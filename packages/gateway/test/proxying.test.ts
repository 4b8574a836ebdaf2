import { once } from "node:events";
import { appendFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import type { IncomingMessage } from "node:http";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { expect, test } from "vitest";
import { MESSAGE, ask, begin, textOf } from "./support/ask.ts";
import { REAL_KEY, gatewayBed, planOf, socketOf } from "./support/gateway-bed.ts";
import { messageEvents, sse, stubUpstream } from "./support/stub-upstream.ts";
import { until } from "./support/until.ts";

test("a request goes upstream with the real key and without what else the run sent along", async () => {
  await using upstream = await stubUpstream();
  await using bed = gatewayBed(`${upstream.url}/base/`);
  const attachment = await bed.gateway().attach(planOf("run-1"));
  const answer = await ask(socketOf(attachment), {
    headers: {
      "x-api-key": "stolen",
      authorization: "Bearer stolen",
      "proxy-authorization": "Basic stolen",
      cookie: "session=stolen",
      "x-forwarded-for": "10.0.0.1",
      host: "evil.example",
      "anthropic-version": "2023-06-01",
      "anthropic-beta": "a-1,oauth-2025-04-20",
      "x-stainless-retry-count": "0",
      "user-agent": "sdk",
    },
  });

  expect(answer.status).toBe(200);
  expect(answer.text).toBe(messageEvents("hello").join(""));
  const [asked] = upstream.asked;
  expect(asked).toMatchObject({
    method: "POST",
    url: "/base/v1/messages?beta=true",
    body: MESSAGE,
  });
  expect(asked!.headers).toEqual({
    "accept-encoding": "identity",
    "anthropic-beta": "a-1",
    "anthropic-version": "2023-06-01",
    connection: "keep-alive",
    "content-length": String(MESSAGE.length),
    host: `127.0.0.1:${upstream.port}`,
    "user-agent": "sdk",
    "x-api-key": REAL_KEY,
    "x-stainless-retry-count": "0",
  });
});

test("the run sees neither cookies nor the account of the answer, but limits and retry advice", async () => {
  await using upstream = await stubUpstream((response) => {
    response.writeHead(429, {
      "content-type": "application/json",
      "set-cookie": "__cf=1",
      "anthropic-organization-id": "org-1",
      "anthropic-ratelimit-requests-remaining": "0",
      "retry-after": "7",
      "request-id": "req_9",
      server: "stub",
    });
    response.end('{"type":"error"}');
  });
  await using bed = gatewayBed(upstream.url);
  const attachment = await bed.gateway().attach(planOf("run-1"));
  const { status, headers, text } = await ask(socketOf(attachment));

  expect([status, text]).toEqual([429, '{"type":"error"}']);
  expect(headers).toMatchObject({
    "anthropic-ratelimit-requests-remaining": "0",
    "retry-after": "7",
    "request-id": "req_9",
  });
  for (const name of ["set-cookie", "anthropic-organization-id", "server"]) {
    expect(headers).not.toHaveProperty([name]);
  }
});

test("events reach the run as they come, not when the answer is complete", async () => {
  const { promise: finish, resolve: sayFinish } = Promise.withResolvers<void>();
  await using upstream = await stubUpstream((response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write(sse("ping", { n: 1 }));
    void finish.then(() => response.end(sse("message_stop")));
  });
  await using bed = gatewayBed(upstream.url);
  const attachment = await bed.gateway().attach(planOf("run-1"));
  const { answer } = await begin(socketOf(attachment));
  const [first] = (await once(answer, "data")) as [Buffer];
  expect(first.toString()).toBe(sse("ping", { n: 1 }));

  sayFinish();
  expect(await textOf(answer)).toBe(sse("message_stop"));
});

test("a request's body goes upstream as it comes", async () => {
  const { promise: started, resolve: sayStarted } = Promise.withResolvers<string>();
  const server = createServer((socket) => {
    socket.on("error", () => socket.destroy());
    socket.on("data", (chunk) => {
      if (chunk.toString().includes("first half")) sayStarted("first half");
      if (chunk.toString().includes("second half")) {
        socket.end("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
      }
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  await using bed = gatewayBed(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const attachment = await bed.gateway().attach(planOf("run-1"));
  const call = request({ socketPath: socketOf(attachment), method: "POST", path: "/v1/messages" });
  call.write("first half");
  expect(await started).toBe("first half");
  call.end("second half");
  const [answer] = (await once(call, "response")) as [IncomingMessage];
  expect(await textOf(answer)).toBe("ok");
  server.close();
});

test("a large answer arrives whole, also at a run that reads slowly", async () => {
  const block = "x".repeat(99_991);
  await using upstream = await stubUpstream((response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    for (let n = 0; n < 200; n += 1) response.write(block);
    response.end("the end");
  });
  await using bed = gatewayBed(upstream.url);
  const attachment = await bed.gateway().attach(planOf("run-1"));
  const { answer } = await begin(socketOf(attachment));
  let bytes = 0;
  let last = "";
  for await (const chunk of answer) {
    bytes += (chunk as Buffer).length;
    last = (chunk as Buffer).subarray(-7).toString();
    if (bytes % 5 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  expect([bytes, last]).toEqual([200 * 99_991 + 7, "the end"]);
});

test("a run that leaves ends the upstream's work, and is on record as aborted", async () => {
  await using upstream = await stubUpstream((response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write(sse("ping"));
  });
  await using bed = gatewayBed(upstream.url);
  const attachment = await bed.gateway().attach(planOf("run-1"));
  const { call, answer } = await begin(socketOf(attachment));
  answer.on("error", () => undefined);
  await once(answer, "data");
  call.destroy();

  await until("the upstream sees it", () => upstream.abandoned() === 1);
  await until("it is recorded", () => bed.audit().length === 1);
  expect(bed.audit()[0]).toMatchObject({ outcome: "aborted", status: 200 });
});

test("a run that leaves before the first byte ends the upstream's work as well", async () => {
  await using upstream = await stubUpstream(() => undefined);
  await using bed = gatewayBed(upstream.url);
  const attachment = await bed.gateway().attach(planOf("run-1"));
  const stop = new AbortController();
  const asking = ask(socketOf(attachment), { signal: stop.signal });
  await until("the upstream is asked", () => upstream.asked.length === 1);
  stop.abort();

  await expect(asking).rejects.toThrow("abort");
  await until("the upstream sees it", () => upstream.abandoned() === 1);
});

test("an upstream that is not there is a 502 in the API's shape, and may be retried", async () => {
  await using bed = gatewayBed("http://127.0.0.1:9");
  const attachment = await bed.gateway().attach(planOf("run-1"));
  const { status, headers, text } = await ask(socketOf(attachment));

  expect(status).toBe(502);
  expect(headers["x-should-retry"]).toBe("true");
  expect(JSON.parse(text)).toEqual({
    type: "error",
    error: { type: "api_error", message: expect.stringContaining("ECONNREFUSED") },
  });
  await until("it is recorded", () => bed.audit().length === 1);
  expect(bed.audit()[0]).toMatchObject({ outcome: "failed", reason: "upstream-econnrefused" });
});

test("an upstream that hangs up without an answer is a 502", async () => {
  await using upstream = await stubUpstream((response) => void response.destroy());
  await using bed = gatewayBed(upstream.url);
  const attachment = await bed.gateway().attach(planOf("run-1"));
  expect((await ask(socketOf(attachment))).status).toBe(502);
});

test("an upstream that speaks no HTTP is a 502", async () => {
  const server = createServer((socket) => socket.end("hello\r\n\r\n")).listen(0, "127.0.0.1");
  await once(server, "listening");
  await using bed = gatewayBed(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const attachment = await bed.gateway().attach(planOf("run-1"));
  expect((await ask(socketOf(attachment))).status).toBe(502);
  server.close();
});

test("an answer that breaks off upstream breaks off at the run, and never looks complete", async () => {
  await using upstream = await stubUpstream((response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write(sse("ping"), () => response.destroy());
  });
  await using bed = gatewayBed(upstream.url);
  const attachment = await bed.gateway().attach(planOf("run-1"));
  const { answer } = await begin(socketOf(attachment));
  await expect(textOf(answer)).rejects.toMatchObject({ code: "ECONNRESET" });
  await until("it is recorded", () => bed.audit().length === 1);
  expect(bed.audit()[0]).toMatchObject({ outcome: "failed", reason: "upstream-broke-off" });
});

test("an upstream that answers before it has read the body is heard", async () => {
  const server = createServer((socket) => {
    socket.on("error", () => socket.destroy());
    socket.once("data", () => socket.end("HTTP/1.1 401 No\r\ncontent-length: 2\r\n\r\nno"));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  await using bed = gatewayBed(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const attachment = await bed.gateway().attach(planOf("run-1"));
  const { answer } = await begin(socketOf(attachment), { body: "x".repeat(1_000) });
  expect(answer.statusCode).toBe(401);
  server.close();
});

test("connections to the upstream are kept and used again", async () => {
  await using upstream = await stubUpstream();
  await using bed = gatewayBed(upstream.url);
  const attachment = await bed.gateway().attach(planOf("run-1"));
  for (let n = 0; n < 5; n += 1) await ask(socketOf(attachment));
  expect(await upstream.connections()).toBe(1);
});

test("the audit log says who asked for what, with which model and outcome, and no contents", async () => {
  await using upstream = await stubUpstream();
  await using bed = gatewayBed(upstream.url);
  const attachment = await bed.gateway().attach(planOf("run-1"));
  const body =
    '{"messages":[{"model":"inner","content":"my secret"}],"mod\\u0065l":"claude-\\"x\\""}';
  await ask(socketOf(attachment), { body });
  await ask(socketOf(attachment), { method: "GET", path: "/v1/models", body: "" });
  await until("both are recorded", () => bed.audit().length === 2);

  expect(bed.audit()).toEqual([
    {
      at: expect.any(Number),
      owner: "store-1",
      session: "task-42",
      run: "run-1",
      method: "POST",
      path: "/v1/messages?beta=true",
      model: 'claude-"x"',
      status: 200,
      outcome: "answered",
      upstreamId: "req_stub",
      requestBytes: body.length,
      responseBytes: messageEvents("hello").join("").length,
      ms: expect.any(Number),
    },
    expect.objectContaining({ status: 403, outcome: "refused", reason: "path-not-allowed" }),
  ]);
  expect(JSON.stringify(bed.audit())).not.toContain("secret");
});

test("the audit log is appended to, never rewritten, and only its owner may read it", async () => {
  await using upstream = await stubUpstream();
  await using bed = gatewayBed(upstream.url);
  const attachment = await bed.gateway().attach(planOf("run-1"));
  await ask(socketOf(attachment));
  await until("it is recorded", () => bed.audit().length === 1);
  const file = path.join(bed.root, "audit", `${new Date().toISOString().slice(0, 10)}.ndjson`);
  appendFileSync(file, '{"mark":true}\n');
  await ask(socketOf(attachment));
  await until("both are recorded", () => bed.audit().length === 3);

  expect(bed.audit()[1]).toEqual({ mark: true });
  expect((statSync(file).mode & 0o777).toString(8)).toBe("600");
});

test("an audit log that cannot be written stops no request, and catches up", async () => {
  await using upstream = await stubUpstream();
  await using bed = gatewayBed(upstream.url);
  const attachment = await bed.gateway().attach(planOf("run-1"));
  writeFileSync(path.join(bed.root, "audit"), "in the way");
  expect((await ask(socketOf(attachment))).status).toBe(200);
  rmSync(path.join(bed.root, "audit"));
  expect((await ask(socketOf(attachment))).status).toBe(200);
  await until("both are recorded", () => bed.audit().length === 2);
});
