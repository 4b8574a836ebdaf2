import { mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Attachment, Gateway, MeterReading, RunPlan } from "@waybill/core";
import { modelGateway, stopModelGateway, type UpstreamOptions } from "@waybill/gateway";

/** A gateway in a folder of its own, and a run that is attached to it. */
export interface UpstreamsBed extends AsyncDisposable {
  readonly root: string;
  readonly gateway: Gateway;
  /** The environment that a run would have, as a child process sees it. */
  attach(): Promise<NodeJS.ProcessEnv>;
  /** Everything on record. Ends the run: then all of it is written. */
  audit(): Promise<readonly AuditEntry[]>;
  readings(): Promise<readonly MeterReading[]>;
  /** Programs that ran with this as HOME left their files here. */
  readonly home: string;
}

/** As much of an audit line as the tests read. */
export interface AuditEntry {
  readonly method: string;
  readonly path: string;
  readonly upstream?: string;
  readonly outcome: string;
  readonly reason?: string;
  readonly status: number;
}

const session = { owner: "store-1", sessionId: "task-42" };

/** Opens a gateway whose runs reach these upstreams, and no model. */
export async function openUpstreamsBed(
  upstreams: Readonly<Record<string, UpstreamOptions>>,
): Promise<UpstreamsBed> {
  const root = await mkdtemp(join(tmpdir(), "wg-"));
  const home = await mkdtemp(join(tmpdir(), "wb-home-"));
  const credential = { apiKey: "the-model-key-of-this-test" };
  const gateway = modelGateway({ root, credential, upstream: "http://127.0.0.1:9", upstreams });
  return {
    root,
    home,
    gateway,
    async attach() {
      const attachment = await gateway.attach(planOf());
      return { ...environmentOf(attachment), HOME: home, PATH: process.env["PATH"] };
    },
    async audit() {
      await stopModelGateway({ root });
      const folder = join(root, "audit");
      const texts = await Promise.all(
        (await readdir(folder)).map((name) => readFile(join(folder, name), "utf8")),
      );
      const lines = texts.flatMap((text) => text.trimEnd().split("\n"));
      return lines.map((line) => JSON.parse(line) as AuditEntry);
    },
    async readings() {
      const how = { after: {}, follow: false, signal: AbortSignal.timeout(10_000) };
      for await (const batch of gateway.readings(session, how)) return batch;
      return [];
    },
    async [Symbol.asyncDispose]() {
      await gateway.close();
      await stopModelGateway({ root });
      await rm(root, { recursive: true, force: true });
      await rm(home, { recursive: true, force: true });
    },
  };
}

/** A gateway reads only whose plan it is. */
function planOf(): RunPlan {
  const place = { host: "/nowhere", at: "/nowhere" };
  const streams = { stdin: place, stdout: place, stderr: place, launch: place };
  const run = { ...session, runId: "run-1", epoch: 1, protocol: 1 } as const;
  return { ...run, ...streams, control: "/nowhere", user: null, folders: [], env: {}, cwd: "/" };
}

/** Every path as the host sees it, as transport-process does. */
function environmentOf({ env, folders }: Attachment): NodeJS.ProcessEnv {
  const entries = Object.entries(env).map(([name, value]): [string, string] => {
    if (typeof value === "string") return [name, value];
    const folder = folders.find(({ at }) => at === value.folder);
    return [name, join(folder?.host ?? "", value.file ?? "")];
  });
  return Object.fromEntries(entries);
}
