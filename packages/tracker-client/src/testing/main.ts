/**
 * Runs the reference Tracker as a process of its own, so that it outlives whoever started it:
 *
 *   pnpm tracker --chat general
 *
 * It prints one JSON line, `{"url":…}`, once it listens. The token comes from TRACKER_TOKEN or
 * `--token-file`; without either it makes one and prints it in the same line. TERM and INT end it.
 */
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { isWaybillError } from "@waybill/core";
import { referenceTracker } from "./reference-tracker.ts";
import type { ReferenceTrackerOptions } from "./reference-tracker.ts";

const usage = `Options:
  --port N           port to listen at; default: a free one
  --host ADDRESS     default: 127.0.0.1
  --file PATH        keep the records there, one JSON line each; default: in memory
  --token-file PATH  the Bearer token; default: TRACKER_TOKEN, else a random one, printed
  --no-keys          ignore Idempotency-Key
  --no-sockets       offer no WebSocket: events can only be asked for
  --chat ID          a chat to begin with; repeatable
  --task ID=TITLE    a task to begin with; repeatable
  --help`;

try {
  const { help, options, tokenIsOurs } = readOptions(process.argv.slice(2));
  if (help) {
    process.stdout.write(`${usage}\n`);
  } else {
    const tracker = await referenceTracker(options);
    const line = { url: tracker.url, ...(tokenIsOurs ? { token: tracker.token } : {}) };
    process.stdout.write(`${JSON.stringify(line)}\n`);
    process.once("SIGTERM", () => void tracker.close());
    process.once("SIGINT", () => void tracker.close());
  }
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = isWaybillError(error) ? 1 : 2;
}

function readOptions(argv: string[]): {
  readonly help: boolean;
  readonly options: ReferenceTrackerOptions;
  readonly tokenIsOurs: boolean;
} {
  const { values } = parseArgs({
    args: argv,
    options: {
      port: { type: "string" },
      host: { type: "string" },
      file: { type: "string" },
      "token-file": { type: "string" },
      "no-keys": { type: "boolean", default: false },
      "no-sockets": { type: "boolean", default: false },
      chat: { type: "string", multiple: true, default: [] },
      task: { type: "string", multiple: true, default: [] },
      help: { type: "boolean", default: false },
    },
  });
  const port = Number(values.port ?? 0);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new TypeError(`--port must be a number from 0 to 65535, not ${values.port ?? ""}.`);
  }
  const token = givenToken(values["token-file"]);
  const seeded = values.chat.length > 0 || values.task.length > 0;
  return {
    help: values.help,
    tokenIsOurs: token === null,
    options: {
      port,
      keys: !values["no-keys"],
      sockets: !values["no-sockets"],
      ...(values.host === undefined ? {} : { host: values.host }),
      ...(values.file === undefined ? {} : { file: values.file }),
      ...(token === null ? {} : { token }),
      ...(seeded ? { seed: seedOf(values.chat, values.task) } : {}),
    },
  };
}

function givenToken(file: string | undefined): string | null {
  const token = (
    file === undefined ? process.env["TRACKER_TOKEN"] : readFileSync(file, "utf8")
  )?.trim();
  return token === undefined || token === "" ? null : token;
}

function seedOf(
  chats: readonly string[],
  tasks: readonly string[],
): NonNullable<ReferenceTrackerOptions["seed"]> {
  return {
    chats: chats.map((id) => ({ id })),
    tasks: tasks.map((task) => {
      const [id = task, ...title] = task.split("=");
      return { id, title: title.join("=") || id };
    }),
  };
}
