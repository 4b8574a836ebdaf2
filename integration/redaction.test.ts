// Every byte that the host writes in a whole session of real parts: the log with its files beside it,
// the mailbox, the logger, the feed, the board. None of them holds a secret that was to be redacted.
import { appendFileSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { createOrchestrator, type Redaction } from "@waybill/core";
import { fsMailbox } from "@waybill/ipc-fs";
import { sqliteStore } from "@waybill/store-sqlite";
import { httpTracker } from "@waybill/tracker-client";
import { referenceTracker } from "@waybill/tracker-client/testing";
import { processTransport } from "@waybill/transport-process";

const secret = "sk-very-secret-0815";
const redact: Redaction = { secrets: [secret], patterns: [/tok_\d+/g] };

test("a whole session leaves no byte of a secret, also where it was split over pieces of a stream", async () => {
  const clean = await session(redact);
  expect(await filesWith(clean.data, secret)).toEqual([]);
  expect(await filesWith(clean.data, "tok_12345")).toEqual([]);
  const { feed, board, texts } = clean;
  expect(feed).toContain("[redacted]");
  expect(texts).toBe("I will use [redacted] and then".repeat(2));
  expect(board).toEqual(["the key is [redacted]", "the key is [redacted]"]);
});

test("the same session without redaction holds it in many places, so that the search can fail", async () => {
  const { data, texts } = await session({});
  const found = await filesWith(data, secret);
  expect(found.some((path) => path.includes("waybill.db"))).toBe(true);
  expect(found.some((path) => path.endsWith("feed.ndjson"))).toBe(true);
  expect(texts).toContain(secret);
});

/** Two turns of an agent that says a secret wherever it can, then a close. */
async function session(redaction: Redaction) {
  const data = await mkdtemp(join(tmpdir(), "waybill-redaction-"));
  onTestFinished(() => rm(data, { recursive: true, force: true }));
  const tracker = await referenceTracker({ seed: { chats: [{ id: "7" }] } });
  onTestFinished(() => tracker.close());
  const program = fileURLToPath(new URL("fixtures/talking-agent.ts", import.meta.url));
  const write = (file: string, ...values: unknown[]): void =>
    appendFileSync(join(data, file), `${JSON.stringify(values)}\n`);
  const log = (...values: unknown[]): void => write("log.ndjson", ...values);
  const logger = { debug: log, info: log, warn: log, error: log };
  const orchestrator = await createOrchestrator({
    store: sqliteStore({ path: join(data, "waybill.db"), logger }),
    mailbox: fsMailbox({ root: join(data, "mail"), logger }),
    tracker: httpTracker({ url: tracker.url, token: tracker.token }),
    agents: {
      coder: {
        name: "Кодер",
        transport: processTransport({
          command: [process.execPath, "--conditions=@waybill/source", program],
        }),
      },
    },
    logger,
    redact: redaction,
  });
  const texts: string[] = [];
  orchestrator.onAny((event) => write("feed.ndjson", event));
  orchestrator.onActivity((id, activity) => {
    write("feed.ndjson", id, activity);
    if (activity.type === "text") texts.push(activity.text);
  });
  const handle = await orchestrator.open({ id: "s", agent: "coder", scope: { chats: ["7"] } });
  await handle.ask(`use ${secret}`);
  await handle.ask(`again: ${secret}`, { from: `Ada, who has ${secret}` });
  await handle.close();
  await orchestrator[Symbol.asyncDispose]();
  const feed = await readFile(join(data, "feed.ndjson"), "utf8");
  const board = tracker.records.messages.map(({ content }) => content);
  return { data, texts: texts.join(""), feed, board };
}

async function filesWith(folder: string, text: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const found: string[] = [];
  for (const entry of entries) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile() && (await readFile(path)).includes(text)) found.push(path);
  }
  return found;
}
