// Which models a run may ask for is the host's say, whatever its body looks like.
import { once } from "node:events";
import { request } from "node:http";
import type { IncomingMessage } from "node:http";
import { expect, test } from "vitest";
import { ask, textOf } from "./support/ask.ts";
import { gatewayBed, planOf, socketOf } from "./support/gateway-bed.ts";
import { readingsOf } from "./support/readings.ts";
import { stubUpstream } from "./support/stub-upstream.ts";
import { until } from "./support/until.ts";

const models = ["claude-small", "claude-large"];
const bodyOf = (model: string): string => JSON.stringify({ model, messages: [], stream: true });

test("a model on the list passes, and another is refused in the API's shape and on record", async () => {
  await using upstream = await stubUpstream();
  await using bed = gatewayBed(upstream.url);
  const gateway = bed.gateway({ models });
  const socket = socketOf(await gateway.attach(planOf("run-1")));
  expect((await ask(socket, { body: bodyOf("claude-large") })).status).toBe(200);
  const { status, headers, text } = await ask(socket, { body: bodyOf("claude-huge") });

  expect(status).toBe(403);
  expect(headers["x-should-retry"]).toBe("false");
  expect(JSON.parse(text)).toEqual({
    type: "error",
    error: {
      type: "permission_error",
      message: expect.stringMatching(/"claude-huge".*Allowed: claude-small, claude-large/),
    },
  });
  expect(upstream.asked).toHaveLength(1);
  await until("both are recorded", () => bed.audit().length === 2);
  expect(bed.audit()[1]).toMatchObject({
    model: "claude-huge",
    outcome: "refused",
    reason: "model-not-allowed",
  });
  expect(await readingsOf(gateway)).toMatchObject([
    { type: "usage", model: "claude-large" },
    { type: "refused", reason: "model-not-allowed", model: "claude-huge", count: 1 },
  ]);
});

test.each([
  ["no model", JSON.stringify({ messages: [] })],
  ["no JSON", "model=claude-small"],
  ["nothing", ""],
  ["a model that is no text", JSON.stringify({ model: { name: "claude-small" } })],
  ["two models, the forbidden one first", '{"model":"claude-huge","model":"claude-small"}'],
  ["two models, the forbidden one last", '{"model":"claude-small","model":"claude-huge"}'],
  ["a model further in only", '{"x":{"model":"claude-small"},"requests":[]}'],
  ["a list of requests", '[{"model":"claude-small"}]'],
])("a body with %s is refused where models are listed", async (_, body) => {
  await using upstream = await stubUpstream();
  await using bed = gatewayBed(upstream.url);
  const socket = socketOf(await bed.gateway({ models }).attach(planOf("run-1")));
  expect((await ask(socket, { body })).status).toBe(403);
  expect(upstream.asked).toEqual([]);
});

test("a forbidden model at the end of a long body never gets there: the upstream has no whole request", async () => {
  await using upstream = await stubUpstream();
  await using bed = gatewayBed(upstream.url);
  const socket = socketOf(await bed.gateway({ models }).attach(planOf("run-1")));
  const filler = "x".repeat(3_000_000);
  const late = (model: string): string => JSON.stringify({ system: filler, model });
  const refused = await ask(socket, { body: late("claude-huge") });

  expect(refused.status).toBe(403);
  expect(upstream.asked).toEqual([]);
  await until(
    "the upstream's half request is gone",
    async () => (await upstream.connections()) === 0,
  );
  expect((await ask(socket, { body: late("claude-small") })).status).toBe(200);
  expect(upstream.asked[0]!.body).toBe(late("claude-small"));
});

test("a client that is still sending hears the refusal, not a broken connection", async () => {
  await using upstream = await stubUpstream();
  await using bed = gatewayBed(upstream.url);
  const socketPath = socketOf(await bed.gateway({ models }).attach(planOf("run-1")));
  const call = request({ socketPath, method: "POST", path: "/v1/messages" });
  call.write('{"model":"claude-huge","system":"');
  for (let n = 0; n < 50; n += 1) {
    if (!call.write("x".repeat(65_536))) await once(call, "drain");
  }
  call.end('"}');
  const [answer] = (await once(call, "response")) as [IncomingMessage];
  expect([answer.statusCode, await textOf(answer)]).toEqual([403, expect.stringContaining("huge")]);
});

test("a request without a body needs no model", async () => {
  await using upstream = await stubUpstream();
  await using bed = gatewayBed(upstream.url);
  const allowedPaths = ["GET /v1/models"];
  const socket = socketOf(await bed.gateway({ models, allowedPaths }).attach(planOf("run-1")));
  expect((await ask(socket, { method: "GET", path: "/v1/models", body: "" })).status).toBe(200);
});
