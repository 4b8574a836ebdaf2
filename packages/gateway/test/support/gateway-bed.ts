import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
} from "node:fs";
import os from "node:os";
import path from "node:path";
import type { Attachment, Gateway, RunPlan } from "@waybill/core";
import { modelGateway, stopModelGateway } from "../../src/index.ts";
import type { ModelGatewayOptions } from "../../src/index.ts";

/** The key that must show nowhere but upstream. */
export const REAL_KEY = "sk-real-8f2c1d77e9";

/** A temp root, gateways on it, and an end that leaves neither process nor folder behind. */
export interface GatewayBed extends AsyncDisposable {
  readonly root: string;
  gateway(options?: Partial<ModelGatewayOptions>): Gateway;
  pid(): number;
  audit(): Record<string, unknown>[];
}

/** Makes a bed whose gateways have this upstream. */
export function gatewayBed(upstream: string): GatewayBed {
  const root = mkdtempSync(path.join(os.tmpdir(), "wg-"));
  chmodSync(root, 0o700);
  const gateways: Gateway[] = [];
  return {
    root,
    gateway(options) {
      const made = modelGateway({ root, upstream, credential: { apiKey: REAL_KEY }, ...options });
      gateways.push(made);
      return made;
    },
    pid: () => Number(readFileSync(path.join(root, "pid"), "utf8")),
    audit: () => readAudit(root),
    async [Symbol.asyncDispose]() {
      for (const gateway of gateways) await gateway.close();
      await stopModelGateway({ root });
      rmSync(root, { recursive: true, force: true });
    },
  };
}

/** The plan of a run; the gateway reads only who it is and which user it has. */
export function planOf(runId: string, more: Partial<RunPlan> = {}): RunPlan {
  const nowhere = { host: "/nowhere", at: "/nowhere" };
  return {
    owner: "store-1",
    sessionId: "task-42",
    runId,
    epoch: 1,
    control: "/nowhere",
    launch: nowhere,
    protocol: 1,
    user: { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 },
    folders: [],
    env: {},
    cwd: "/nowhere",
    stdin: nowhere,
    stdout: nowhere,
    stderr: nowhere,
    ...more,
  };
}

/** The socket's path on the host. */
export function socketOf(attachment: Attachment): string {
  return path.join(attachment.folders[0]!.host, "model.sock");
}

function readAudit(root: string): Record<string, unknown>[] {
  const folder = path.join(root, "audit");
  if (!existsSync(folder) || !statSync(folder).isDirectory()) return [];
  return readdirSync(folder).flatMap((name) =>
    readFileSync(path.join(folder, name), "utf8")
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as Record<string, unknown>),
  );
}
