// Everything that a person can get wrong at the start: a typed error that names the value and the
// fix, and nothing half-started left behind.
import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createOrchestrator, type OrchestratorOptions } from "@waybill/core";
import { fsMailbox } from "@waybill/ipc-fs";
import { sqliteStore } from "@waybill/store-sqlite";
import { httpTracker } from "@waybill/tracker-client";
import { referenceTracker, type ReferenceTracker } from "@waybill/tracker-client/testing";
import { dockerTransport } from "@waybill/transport-docker";
import { processTransport } from "@waybill/transport-process";
import { rawAgent } from "./host.ts";

let data: string;
let tracker: ReferenceTracker;
beforeEach(async () => {
  data = await mkdtemp(join(tmpdir(), "waybill-bad-"));
  tracker = await referenceTracker();
});
afterEach(async () => {
  await tracker.close();
  await rm(data, { recursive: true, force: true });
});

function options(changes: Partial<OrchestratorOptions> = {}): OrchestratorOptions {
  return {
    store: sqliteStore({ path: join(data, "waybill.db") }),
    mailbox: fsMailbox({ root: join(data, "mail") }),
    agents: { coder: { name: "Кодер", transport: rawAgent() } },
    ...changes,
  };
}

/** The start fails with this code and names what was given; then the same folder opens without it. */
async function expectRefusal(
  changes: Partial<OrchestratorOptions>,
  code: string,
  names: string,
): Promise<void> {
  const error: unknown = await createOrchestrator(options(changes)).then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(error).toMatchObject({ name: "WaybillError", code });
  expect((error as Error).message).toContain(names);
  await using orchestrator = await createOrchestrator(options());
  expect(await orchestrator.list()).toEqual([]);
}

describe("an orchestrator is refused", () => {
  test("a missing engine", async () => {
    const transport = dockerTransport({ image: "x", engine: "no-such-engine" });
    await expectRefusal(
      { agents: { coder: { name: "C", transport } } },
      "ENGINE_MISSING",
      "no-such-engine",
    );
  });

  test("a missing program", async () => {
    const transport = processTransport({ command: ["no-such-program"] });
    await expectRefusal(
      { agents: { coder: { name: "C", transport } } },
      "PROGRAM_MISSING",
      "no-such-program",
    );
  });

  test("a token that the Tracker does not know, without telling it", async () => {
    const client = httpTracker({ url: tracker.url, token: "wrong-token-123" });
    await expectRefusal({ tracker: client }, "TRACKER_UNAUTHORIZED", tracker.url);
    await expect(client.check()).rejects.not.toThrow(/wrong-token-123/);
  });

  test("a missing token", () => {
    expect(() => httpTracker({ url: tracker.url, token: "" })).toThrow(
      expect.objectContaining({ code: "TRACKER_TOKEN_INVALID" }),
    );
  });

  test("a URL that is none", () => {
    expect(() => httpTracker({ url: "localhost 8100", token: "t" })).toThrow(
      expect.objectContaining({
        code: "TRACKER_URL_INVALID",
        message: expect.stringContaining("localhost 8100"),
      }),
    );
  });

  test("a Tracker that is down", async () => {
    const { url, token } = tracker;
    await tracker.close();
    await expectRefusal({ tracker: httpTracker({ url, token }) }, "TRACKER_UNREACHABLE", url);
  });

  test("a folder that is none", async () => {
    const file = join(data, "a-file");
    await writeFile(file, "");
    await expectRefusal(
      { mailbox: fsMailbox({ root: join(file, "mail") }) },
      "MAILBOX_UNWRITABLE",
      file,
    );
  });

  test.skipIf(process.getuid?.() === 0)("a folder that cannot be written", async () => {
    const closed = join(data, "closed");
    await mkdir(closed);
    await chmod(closed, 0o500);
    await expectRefusal(
      { mailbox: fsMailbox({ root: join(closed, "mail") }) },
      "MAILBOX_UNWRITABLE",
      closed,
    );
  });

  test("a second orchestrator on the same log, naming the holder", async () => {
    await using first = await createOrchestrator(options());
    await expect(createOrchestrator(options())).rejects.toMatchObject({
      code: "STORE_IN_USE",
      message: expect.stringContaining(String(process.pid)),
    });
    expect(await first.list()).toEqual([]);
  });

  test("a bad slug", async () => {
    const agents = { "Кодер 1": { name: "Кодер", transport: rawAgent() } };
    await expectRefusal({ agents }, "BAD_SLUG", "Кодер 1");
  });
});

describe("a session is refused", () => {
  test.each(["", "../x", "a b", ".hidden", "x".repeat(65)])("the id %j", async (id) => {
    await using orchestrator = await createOrchestrator(options());
    await expect(orchestrator.open({ id, agent: "coder" })).rejects.toMatchObject({
      code: "BAD_SESSION_ID",
    });
    expect(await readdir(data)).not.toContain("x");
  });

  test("an agent that nobody knows, naming those that are known", async () => {
    await using orchestrator = await createOrchestrator(options());
    await expect(orchestrator.open({ id: "s", agent: "writer" })).rejects.toMatchObject({
      code: "AGENT_UNKNOWN",
      message: expect.stringContaining("coder"),
    });
    expect(await orchestrator.list()).toEqual([]);
  });

  test("a message to a session that was never opened", async () => {
    await using orchestrator = await createOrchestrator(options());
    await expect(orchestrator.session("ghost").send("hi")).rejects.toMatchObject({
      code: "SESSION_NOT_FOUND",
    });
  });
});

test("an image that is missing parks the session with the build command, and the message is kept", async () => {
  const transport = rawAgent();
  const missing = {
    ...transport,
    check: async () => ({ protocol: 1, host: "h" }) as const,
    start: async () => {
      throw Object.assign(new Error("x"), {
        name: "WaybillError",
        code: "IMAGE_MISSING",
        class: "permanent",
        message: "Image x is missing. Build it: docker build -t x .",
      });
    },
  };
  const agents = { coder: { name: "Кодер", transport: missing } };
  await using orchestrator = await createOrchestrator(options({ agents }));
  const session = await orchestrator.open({ id: "s", agent: "coder" });
  await expect(session.ask("hi")).rejects.toMatchObject({
    code: "IMAGE_MISSING",
    message: expect.stringContaining("docker build"),
  });
  expect(await session.status()).toBe("parked");
  expect((await session.state()).messages.size).toBe(1);
});
