import { existsSync, rmSync, statSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { expect, test } from "vitest";
import { defaultGatewayRoot, modelGateway, stopModelGateway } from "../src/index.ts";
import { ask } from "./support/ask.ts";
import { REAL_KEY, gatewayBed, planOf, socketOf } from "./support/gateway-bed.ts";
import { stubUpstream } from "./support/stub-upstream.ts";
import { isAlive, until } from "./support/until.ts";

test("attach() gives a run the folder and the environment that the SDK needs", async () => {
  await using bed = gatewayBed("http://127.0.0.1:9");
  const attachment = await bed.gateway().attach(planOf("run-1"));

  expect(attachment.folders).toEqual([
    { host: expect.stringContaining(`${bed.root}/r/`), at: "/waybill/model", write: false },
  ]);
  expect(attachment.env).toEqual({
    ANTHROPIC_UNIX_SOCKET: { folder: "/waybill/model", file: "model.sock" },
    ANTHROPIC_BASE_URL: "http://localhost",
    ANTHROPIC_API_KEY: expect.stringContaining("placeholder"),
  });
  const folder = statSync(attachment.folders[0]!.host);
  const socket = statSync(socketOf(attachment));
  expect((folder.mode & 0o777).toString(8)).toBe("755");
  expect((socket.mode & 0o777).toString(8)).toBe("600");
  expect((statSync(path.dirname(attachment.folders[0]!.host)).mode & 0o777).toString(8)).toBe(
    "700",
  );
});

test("a gateway with an OAuth token gives the SDK a token's placeholder and sends the real one", async () => {
  await using upstream = await stubUpstream();
  await using bed = gatewayBed(upstream.url);
  const gateway = bed.gateway({ credential: { oauthToken: () => Promise.resolve("oat-real") } });
  const attachment = await gateway.attach(planOf("run-1"));

  expect(Object.keys(attachment.env)).toContain("CLAUDE_CODE_OAUTH_TOKEN");
  expect(Object.keys(attachment.env)).not.toContain("ANTHROPIC_API_KEY");
  await ask(socketOf(attachment), { headers: { "anthropic-beta": "one, two" } });
  expect(upstream.asked[0]!.headers).toMatchObject({
    authorization: "Bearer oat-real",
    "anthropic-beta": "one,two,oauth-2025-04-20",
  });
  expect(upstream.asked[0]!.headers["x-api-key"]).toBeUndefined();
});

test("attach() may be repeated while a run lives, and keeps its socket", async () => {
  await using upstream = await stubUpstream();
  await using bed = gatewayBed(upstream.url);
  const gateway = bed.gateway();
  const first = await gateway.attach(planOf("run-1"));
  const inode = statSync(socketOf(first)).ino;
  const again = await gateway.attach(planOf("run-1"));

  expect(again).toEqual(first);
  expect(statSync(socketOf(first)).ino).toBe(inode);
  expect((await ask(socketOf(first))).status).toBe(200);
});

test("attach() with other terms replaces what the run may do", async () => {
  await using upstream = await stubUpstream();
  await using other = await stubUpstream();
  await using bed = gatewayBed(upstream.url);
  const attachment = await bed.gateway().attach(planOf("run-1"));
  await ask(socketOf(attachment));
  await bed.gateway({ upstream: other.url }).attach(planOf("run-1"));
  await ask(socketOf(attachment));

  expect([upstream.asked.length, other.asked.length]).toEqual([1, 1]);
});

test("a newer credential replaces the older one for every run of its log, and of no other", async () => {
  await using upstream = await stubUpstream();
  await using bed = gatewayBed(upstream.url);
  const keys = ["old", "new"];
  const gateway = bed.gateway({ credential: { apiKey: () => keys.shift() ?? "none" } });
  const first = await gateway.attach(planOf("run-1"));
  const other = await bed.gateway().attach(planOf("run-9", { owner: "store-2" }));
  await gateway.attach(planOf("run-2"));
  for (const attachment of [first, other]) await ask(socketOf(attachment));

  const sent = upstream.asked.map(({ headers }) => headers["x-api-key"]);
  expect(sent).toEqual(["new", REAL_KEY]);
});

test("two runs have two sockets, and detach() closes one and only one", async () => {
  await using upstream = await stubUpstream();
  await using bed = gatewayBed(upstream.url);
  const gateway = bed.gateway();
  const one = await gateway.attach(planOf("run-1"));
  const two = await gateway.attach(planOf("run-2"));
  await gateway.detach({ sessionId: "task-42", runId: "run-1" });
  await gateway.detach({ sessionId: "task-42", runId: "run-1" });

  expect(existsSync(one.folders[0]!.host)).toBe(false);
  await expect(ask(socketOf(one))).rejects.toMatchObject({ code: "ENOENT" });
  expect((await ask(socketOf(two))).status).toBe(200);
});

test("detach() of a run that nobody knows starts no process", async () => {
  await using bed = gatewayBed("http://127.0.0.1:9");
  await bed.gateway().detach({ sessionId: "s", runId: "unknown" });
  expect(existsSync(path.join(bed.root, "pid"))).toBe(false);
});

test("detach() by an orchestrator that did not attach the run closes it as well", async () => {
  await using bed = gatewayBed("http://127.0.0.1:9");
  const attachment = await bed.gateway().attach(planOf("run-1"));
  await bed.gateway().detach({ sessionId: "task-42", runId: "run-1" });
  expect(existsSync(attachment.folders[0]!.host)).toBe(false);
});

test("the process ends by itself when no run has been attached for a while", async () => {
  await using bed = gatewayBed("http://127.0.0.1:9");
  const gateway = bed.gateway({ idleMs: 200 });
  await gateway.attach(planOf("run-1"));
  const pid = bed.pid();
  await new Promise((resolve) => setTimeout(resolve, 600));
  // With a run attached it stays.
  expect(isAlive(pid)).toBe(true);
  await gateway.detach({ sessionId: "task-42", runId: "run-1" });
  await until("the process ends", () => !isAlive(pid));
  expect(existsSync(path.join(bed.root, "control.sock"))).toBe(false);

  // The next attach starts another one.
  const again = await gateway.attach(planOf("run-2"));
  expect(existsSync(socketOf(again))).toBe(true);
  expect(bed.pid()).not.toBe(pid);
});

test("the process ends when its folder is gone, since nobody could find it any more", async () => {
  await using bed = gatewayBed("http://127.0.0.1:9");
  const gateway = bed.gateway({ idleMs: 200 });
  await gateway.attach(planOf("run-1"));
  const pid = bed.pid();
  await gateway.close();
  rmSync(bed.root, { recursive: true });
  await until("the process ends", () => !isAlive(pid));
});

test("check() starts the process, and stopModelGateway() ends it", async () => {
  await using bed = gatewayBed("http://127.0.0.1:9");
  await bed.gateway().check();
  const pid = bed.pid();
  expect(isAlive(pid)).toBe(true);
  expect(await stopModelGateway({ root: bed.root })).toBe(true);
  await until("the process is gone", () => !isAlive(pid), 1_000);
  expect(await stopModelGateway({ root: bed.root })).toBe(false);
});

test("the default root is short, absolute and the user's own", () => {
  expect(defaultGatewayRoot()).toBe(path.join(os.tmpdir(), `waybill-${process.getuid?.()}`));
  expect(() => modelGateway({ credential: { apiKey: REAL_KEY } })).not.toThrow();
});
