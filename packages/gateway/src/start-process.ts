import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { open } from "node:fs/promises";
import path from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { WaybillError } from "@waybill/core";
import { z } from "zod";

/** What the process needs from our environment: how to reach the network, and nothing that is secret. */
const PASSED_ON = [
  "PATH",
  "TZ",
  "NODE_EXTRA_CA_CERTS",
  "NODE_USE_SYSTEM_CA",
  "SSL_CERT_DIR",
  "SSL_CERT_FILE",
];

const startWord = z.union([
  z.object({ state: z.enum(["ready", "busy"]) }),
  z.object({ state: z.literal("failed"), code: z.string(), message: z.string() }),
]);

/**
 * Starts the gateway's process, detached: it has a session of its own, holds none of our streams and
 * lives on when we die. Resolves with `busy` where another process serves this root already. Throws
 * `GATEWAY_START_FAILED`.
 */
export async function startProcess(root: string, idleMs: number): Promise<"ready" | "busy"> {
  const log = path.join(root, "gateway.log");
  const logFile = await open(log, "a", 0o600);
  try {
    const child = spawn(process.execPath, processArguments(root, idleMs), {
      cwd: "/",
      detached: true,
      env: Object.fromEntries(PASSED_ON.map((name) => [name, process.env[name]])),
      stdio: ["ignore", "pipe", logFile.fd],
    });
    child.unref();
    const { data: word } = startWord.safeParse(await firstLine(child));
    if (word === undefined) throw startFailed(root, log, null);
    if (word.state === "failed") throw startFailed(root, log, word);
    return word.state;
  } finally {
    await logFile.close();
  }
}

function processArguments(root: string, idleMs: number): string[] {
  // From source the neighbour is TypeScript, which Node runs as it is; from dist it is JavaScript.
  const extension = path.extname(fileURLToPath(import.meta.url));
  const main = fileURLToPath(new URL(`./process/main${extension}`, import.meta.url));
  return [
    // Nobody may open the inspector of a process that holds a key.
    "--disable-sigusr1",
    "--disable-warning=ExperimentalWarning",
    main,
    "--root",
    root,
    "--idle-ms",
    String(idleMs),
  ];
}

async function firstLine(child: ChildProcess): Promise<unknown> {
  const { stdout } = child;
  if (stdout === null) throw new TypeError("The gateway's process has no standard output.");
  const { promise: failure, reject } = Promise.withResolvers<never>();
  child.once("error", reject);
  const line = async (): Promise<unknown> => {
    for await (const text of createInterface({ input: stdout })) return JSON.parse(text);
    return null; // It ended without a word.
  };
  try {
    return await Promise.race([line(), failure]);
  } finally {
    stdout.destroy();
  }
}

function startFailed(
  root: string,
  log: string,
  said: { readonly code: string; readonly message: string } | null,
): WaybillError {
  const why = said === null ? "it ended without a word" : `${said.message} (${said.code})`;
  return new WaybillError(
    "GATEWAY_START_FAILED",
    `The gateway's process could not start in ${root}: ${why}. Its log is ${log}.`,
    { class: "transient", details: { root, log, code: said?.code ?? null } },
  );
}
