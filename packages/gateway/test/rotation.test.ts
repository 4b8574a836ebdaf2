// Keys rotate while runs live: from a value, a function or a file, and after an upstream's 401.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { Agent } from "node:http";
import os from "node:os";
import path from "node:path";
import { expect, test } from "vitest";
import { ask } from "./support/ask.ts";
import { gatewayBed, planOf, socketOf } from "./support/gateway-bed.ts";
import { messageEvents, stubUpstream } from "./support/stub-upstream.ts";
import type { StubUpstream } from "./support/stub-upstream.ts";

/** An upstream that knows one key. */
function pickyUpstream(valid: () => string): Promise<StubUpstream> {
  return stubUpstream((response, { headers }) => {
    const isKnown = headers["x-api-key"] === valid();
    response.writeHead(isKnown ? 200 : 401, { "content-type": "text/event-stream" });
    response.end(isKnown ? messageEvents("hello").join("") : '{"type":"error"}');
  });
}

test("a file that holds the key is read again at check() and attach(), without its line's end", async () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), "wg-key-"));
  const file = path.join(folder, "key");
  await using upstream = await stubUpstream();
  await using bed = gatewayBed(upstream.url);
  writeFileSync(file, "key-one\n");
  const gateway = bed.gateway({ credential: { apiKey: { file } } });
  const socket = socketOf(await gateway.attach(planOf("run-1")));
  await ask(socket);
  writeFileSync(file, "key-two\n");
  await gateway.check();
  await ask(socket);
  rmSync(folder, { recursive: true });
  expect(upstream.asked.map(({ headers }) => headers["x-api-key"])).toEqual(["key-one", "key-two"]);
  await expect(gateway.check()).rejects.toMatchObject({
    code: "GATEWAY_CREDENTIAL_UNAVAILABLE",
    message: expect.stringContaining(file),
  });
});

test("a 401 makes the orchestrator look once more, and the run asks again with the new key", async () => {
  let key = "old";
  let looks = 0;
  await using upstream = await pickyUpstream(() => "new");
  await using bed = gatewayBed(upstream.url);
  const credential = {
    apiKey: () => {
      looks += 1;
      return key;
    },
  };
  const socket = socketOf(await bed.gateway({ credential }).attach(planOf("run-1")));
  key = "new";
  const refused = await ask(socket);
  expect([refused.status, refused.headers["x-should-retry"], looks]).toEqual([503, "true", 2]);
  expect((await ask(socket)).status).toBe(200);
});

test("a 401 without another key is the run's, and many of them ask the orchestrator once", async () => {
  let looks = 0;
  await using upstream = await pickyUpstream(() => "nobody's");
  await using bed = gatewayBed(upstream.url);
  const credential = {
    apiKey: () => {
      looks += 1;
      return "old";
    },
  };
  const socket = socketOf(await bed.gateway({ credential }).attach(planOf("run-1")));
  const agent = new Agent({ maxSockets: 5 });
  const answers = await Promise.all(Array.from({ length: 5 }, () => ask(socket, { agent })));
  expect(answers.map(({ status }) => status)).toEqual([401, 401, 401, 401, 401]);
  expect(answers[0]!.text).toBe('{"type":"error"}');
  expect(looks).toBe(2);
});

test("a 401 with no orchestrator there is the run's at once", async () => {
  await using upstream = await pickyUpstream(() => "nobody's");
  await using bed = gatewayBed(upstream.url);
  const gateway = bed.gateway();
  const socket = socketOf(await gateway.attach(planOf("run-1")));
  await gateway.close();
  expect((await ask(socket)).status).toBe(401);
});
