import { once } from "node:events";
import { existsSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import path from "node:path";
import type { Logger } from "@waybill/core";
import { expect, test } from "vitest";
import { stopModelGateway } from "../src/index.ts";
import { ask, begin, textOf } from "./support/ask.ts";
import { REAL_KEY, gatewayBed, planOf, socketOf } from "./support/gateway-bed.ts";
import { hostProcess } from "./support/host-process.ts";
import { sse, stubUpstream } from "./support/stub-upstream.ts";
import { isAlive, until } from "./support/until.ts";

test("an answer streams on when the orchestrator that attached its run is SIGKILLed with its group", async () => {
  const { promise: killed, resolve: sayKilled } = Promise.withResolvers<void>();
  await using upstream = await stubUpstream((response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write(sse("ping", { n: 1 }));
    void killed.then(async () => {
      for (let n = 2; n <= 5; n += 1) {
        response.write(sse("ping", { n }));
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      response.end();
    });
  });
  await using bed = gatewayBed(upstream.url);
  const told = { root: bed.root, upstream: upstream.url, key: REAL_KEY, run: "run-1" };
  const { child, attachment } = await hostProcess(told);
  const { answer } = await begin(socketOf(attachment));
  await once(answer, "readable");
  process.kill(-child.pid!, "SIGKILL");
  await once(child, "exit");
  sayKilled();

  const events = await textOf(answer);
  expect(events).toBe([1, 2, 3, 4, 5].map((n) => sse("ping", { n })).join(""));
  // And the model was asked once.
  expect(upstream.asked).toHaveLength(1);
  expect((await ask(socketOf(attachment))).status).toBe(200);
});

test("the next orchestrator finds the process that the last one left", async () => {
  await using upstream = await stubUpstream();
  await using bed = gatewayBed(upstream.url);
  const told = { root: bed.root, upstream: upstream.url, key: "old-key", run: "run-1" };
  const { child, attachment } = await hostProcess(told);
  const pid = bed.pid();
  child.kill("SIGKILL");
  await once(child, "exit");

  expect(await bed.gateway().attach(planOf("run-1"))).toEqual(attachment);
  expect(bed.pid()).toBe(pid);
  // And brings a new key.
  await ask(socketOf(attachment));
  expect(upstream.asked[0]!.headers["x-api-key"]).toBe(REAL_KEY);
});

test("after a SIGKILL of the process the same socket works again, without anyone's call", async () => {
  await using upstream = await stubUpstream();
  await using bed = gatewayBed(upstream.url);
  const attachment = await bed.gateway().attach(planOf("run-1"));
  const pid = bed.pid();
  process.kill(pid, "SIGKILL");

  await until("it is served again", () => serves(socketOf(attachment)));
  expect(bed.pid()).not.toBe(pid);
  expect(upstream.asked.at(-1)!.headers["x-api-key"]).toBe(REAL_KEY);
});

test("after a SIGKILL of the process, check() by another orchestrator serves its runs again", async () => {
  await using upstream = await stubUpstream();
  await using bed = gatewayBed(upstream.url);
  const first = bed.gateway();
  const attachment = await first.attach(planOf("run-1"));
  await first.close();
  process.kill(bed.pid(), "SIGKILL");
  const second = bed.gateway();
  await second.check();

  // But nobody has brought its credential.
  const waiting = await ask(socketOf(attachment));
  expect(waiting.status).toBe(503);
  expect(waiting.headers).toMatchObject({ "retry-after": "2", "x-should-retry": "true" });
  expect(JSON.parse(waiting.text)).toMatchObject({ type: "error", error: { type: "api_error" } });
  expect(upstream.asked).toEqual([]);

  await second.attach(planOf("run-1"));
  expect((await ask(socketOf(attachment))).status).toBe(200);
});

test("a run that is detached while the process is dead stays detached", async () => {
  await using bed = gatewayBed("http://127.0.0.1:9");
  const first = bed.gateway();
  const attachment = await first.attach(planOf("run-1"));
  await first.close();
  process.kill(bed.pid(), "SIGKILL");
  const second = bed.gateway();
  await second.detach({ sessionId: "task-42", runId: "run-1" });
  await second.check();
  expect(existsSync(attachment.folders[0]!.host)).toBe(false);
});

test("runs of another boot are forgotten, for no run survives one", async () => {
  await using bed = gatewayBed("http://127.0.0.1:9");
  const first = bed.gateway();
  const attachment = await first.attach(planOf("run-1"));
  await first.close();
  await stopModelGateway({ root: bed.root });
  const folder = path.join(bed.root, "attached");
  const file = path.join(folder, readdirSync(folder)[0]!);
  writeFileSync(file, readFileSync(file, "utf8").replace(/"boot":"[^"]*"/, '"boot":"earlier"'));
  await bed.gateway().check();
  expect(existsSync(file)).toBe(false);
  expect(existsSync(attachment.folders[0]!.host)).toBe(false);
});

test("a record that cannot be read stops nobody, and its run's folder stays", async () => {
  await using upstream = await stubUpstream();
  await using bed = gatewayBed(upstream.url);
  const first = bed.gateway();
  const attachment = await first.attach(planOf("run-1"));
  await first.close();
  await stopModelGateway({ root: bed.root });
  const folder = path.join(bed.root, "attached");
  writeFileSync(path.join(folder, readdirSync(folder)[0]!), "{");
  const gateway = bed.gateway();
  await gateway.check();
  expect(existsSync(attachment.folders[0]!.host)).toBe(true);
  expect(readFileSync(path.join(bed.root, "gateway.log"), "utf8")).toContain("unreadable");
  await gateway.attach(planOf("run-1"));
  expect((await ask(socketOf(attachment))).status).toBe(200);
});

test("a socket that somebody removed is made again by the next attach()", async () => {
  await using upstream = await stubUpstream();
  await using bed = gatewayBed(upstream.url);
  const gateway = bed.gateway();
  const attachment = await gateway.attach(planOf("run-1"));
  rmSync(socketOf(attachment));
  await gateway.attach(planOf("run-1"));
  expect((await ask(socketOf(attachment))).status).toBe(200);
});

test("of many orchestrators that start at once, all find one process", async () => {
  await using upstream = await stubUpstream();
  await using bed = gatewayBed(upstream.url);
  const started: unknown[] = [];
  const logger = quiet({ info: (_, fields) => started.push(fields?.["pid"]) });
  const attachments = await Promise.all(
    Array.from({ length: 6 }, (_, n) => bed.gateway({ logger }).attach(planOf(`run-${n}`))),
  );
  const answers = await Promise.all(attachments.map((attachment) => ask(socketOf(attachment))));
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200, 200]);
  expect(started).toEqual([bed.pid()]);
});

test("two orchestrators in processes of their own that start at once share one process", async () => {
  await using upstream = await stubUpstream();
  await using bed = gatewayBed(upstream.url);
  const told = { root: bed.root, upstream: upstream.url, key: REAL_KEY };
  const hosts = await Promise.all([
    hostProcess({ ...told, run: "run-1" }),
    hostProcess({ ...told, run: "run-2" }),
  ]);
  for (const { child } of hosts) child.kill("SIGKILL");
  for (const { attachment } of hosts) expect((await ask(socketOf(attachment))).status).toBe(200);
});

test("a socket file that a dead process left is replaced", async () => {
  await using bed = gatewayBed("http://127.0.0.1:9");
  await bed.gateway().check();
  process.kill(bed.pid(), "SIGKILL");
  expect(existsSync(path.join(bed.root, "control.sock"))).toBe(true);
  await until("it is dead", () => !isAlive(bed.pid()));
  await bed.gateway().check();
  expect(isAlive(bed.pid())).toBe(true);
});

test("a process of another version is replaced if no run needs it, and named if one does", async () => {
  await using bed = gatewayBed("http://127.0.0.1:9");
  let runs = 1;
  const old = createServer((socket) => {
    socket.on("data", (chunk) => {
      for (const line of chunk.toString().trim().split("\n")) {
        const { id, call } = JSON.parse(line) as { id: number; call: string };
        const hello = { version: 0, pid: 1, runs };
        socket.write(
          `${JSON.stringify({ id, ok: true, ...(call === "hello" ? { hello } : {}) })}\n`,
        );
        if (call !== "stop") continue;
        old.close();
        rmSync(path.join(bed.root, "control.sock"), { force: true });
        socket.end();
      }
    });
  });
  old.listen(path.join(bed.root, "control.sock"));
  await once(old, "listening");

  await expect(bed.gateway().check()).rejects.toMatchObject({
    code: "GATEWAY_VERSION_MISMATCH",
    message: expect.stringContaining("1 runs still use it"),
  });
  runs = 0;
  await bed.gateway().check();
  expect(isAlive(bed.pid())).toBe(true);
});

test("a process that hangs is a typed error with its id's place, and nothing is started beside it", async () => {
  await using bed = gatewayBed("http://127.0.0.1:9");
  await bed.gateway().check();
  const pid = bed.pid();
  process.kill(pid, "SIGSTOP");
  try {
    await expect(bed.gateway().check()).rejects.toMatchObject({
      code: "GATEWAY_UNRESPONSIVE",
      message: expect.stringContaining(`${bed.root}/pid`),
    });
    const impatient = bed.gateway().check(AbortSignal.timeout(50));
    await expect(impatient).rejects.toMatchObject({ name: "TimeoutError" });
  } finally {
    process.kill(pid, "SIGCONT");
  }
  await bed.gateway().check();
  expect(bed.pid()).toBe(pid);
});

async function serves(socket: string): Promise<boolean> {
  return ask(socket).then(
    ({ status }) => status === 200,
    () => false,
  );
}

function quiet(logger: Partial<Logger>): Logger {
  const nothing = (): void => undefined;
  return { debug: nothing, info: nothing, warn: nothing, error: nothing, ...logger };
}
