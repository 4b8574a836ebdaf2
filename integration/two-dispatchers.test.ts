import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { referenceTracker } from "@waybill/tracker-client/testing";
import { describeWithPostgres } from "./postgres-server.ts";

const program = fileURLToPath(new URL("fixtures/dispatcher.ts", import.meta.url));

await describeWithPostgres("two dispatchers on one PostgreSQL", (server) => {
  test("one stands still past its lease, one is killed, one stops: each mention is answered once", async () => {
    const folder = await mkdtemp(join(tmpdir(), "waybill-dispatchers-"));
    const board = await referenceTracker({ seed: { chats: [{ id: "general" }] } });
    const services: Service[] = [];
    onTestFinished(async () => {
      for (const { child } of services) child.kill("SIGKILL");
      await board.close();
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    });
    const terms = {
      store: server().url,
      mail: join(folder, "mail"),
      tracker: { url: board.url, token: board.token },
    };
    const begin = async (): Promise<Service> => {
      const service = serviceOf(terms);
      services.push(service);
      await service.said("It runs.");
      return service;
    };
    const answers = (): string[] =>
      board.records.messages.flatMap(({ sender_type: type, content }) =>
        type === "agent" ? [content] : [],
      );
    let asked = 0;
    const ask = async (): Promise<void> => {
      asked += 1;
      const content = `answer ${asked}`;
      const steps = [{ ask: { type: "chat.send", chat: "general", content } }];
      board.say("general", JSON.stringify({ steps, reply: "@coder" }));
      await expect.poll(answers, { timeout: 30_000 }).toContain(content);
    };

    const first = await begin();
    await first.said(EVENT, () => ask());
    const second = await begin();
    await second.said("Another process dispatches on this store: this one stands by.");
    first.child.kill("SIGSTOP");
    await ask();
    first.child.kill("SIGCONT");
    await first.said("Another process has taken dispatch over: this one stands by.");
    await ask();
    second.child.kill("SIGKILL");
    await ask();
    const third = await begin();
    await third.said("Another process dispatches on this store: this one stands by.");
    const ended = once(first.child, "exit");
    first.child.kill("SIGTERM");
    expect(await ended).toEqual([0, null]);
    await ask();

    expect(asked).toBe(5);
    expect(answers()).toEqual([1, 2, 3, 4, 5].map((number) => `answer ${number}`));
    for (const { events } of services) expect(events()).toBeGreaterThan(0);
  });
});

const EVENT = "An event of the board was seen.";

interface Service {
  readonly child: ChildProcess;
  /** Resolves once it has said this line; what `meanwhile` does may lead to it. */
  said(line: string, meanwhile?: () => Promise<void>): Promise<void>;
  /** How many events of the board it has dealt with. */
  events(): number;
}

function serviceOf(terms: object): Service {
  const child = fork(program, {
    execArgv: ["--conditions=@waybill/source"],
    env: { ...process.env, DISPATCHER_TERMS: JSON.stringify(terms) },
    stdio: ["ignore", "pipe", "inherit", "ipc"],
  });
  const lines: string[] = [];
  createInterface({ input: child.stdout! }).on("line", (line) => lines.push(line));
  return {
    child,
    events: () => lines.filter((line) => line === EVENT).length,
    said: async (line, meanwhile) => {
      await meanwhile?.();
      await expect.poll(() => lines, { timeout: 30_000 }).toContain(line);
    },
  };
}
