import { chmod, readFile, rename, rm, writeFile } from "node:fs/promises";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Mailbox, RunPlan, Transport } from "@waybill/core";
import { dockerTransport, type DockerTransportOptions } from "@waybill/transport-docker";
import { PATIENCE_MS } from "./patience.ts";

/** What lies on the host, where links of the hostile agent lead. */
export const SECRET = "the host's secret";

/** How a container is walled in: as every run is by default, or as little as plain Docker does. */
export const walls = {
  "the hardened default": {},
  "root with default capabilities": {
    user: { uid: 0, gid: 0 },
    allowRoot: true,
    readOnlyRoot: false,
    // What Docker gives to a container that nobody restricted.
    capabilities:
      "CHOWN DAC_OVERRIDE FSETID FOWNER MKNOD NET_RAW SETGID SETUID SETFCAP SETPCAP NET_BIND_SERVICE SYS_CHROOT KILL AUDIT_WRITE".split(
        " ",
      ),
  },
} satisfies Readonly<Record<string, Partial<DockerTransportOptions>>>;

/** The name of a wall. */
export type Wall = keyof typeof walls;

/** A hostile agent in a container of its own, which does what it is told. */
export interface HostileContainer extends AsyncDisposable {
  readonly plan: RunPlan;
  /** Tells it what to do and resolves with what it says of it. */
  order(...words: readonly (string | number)[]): Promise<string>;
}

/** The transport for hostile agents behind this wall, their links leading to `secret`. */
export function hostileTransport(
  wall: Wall,
  secret: string,
  mounts: DockerTransportOptions["mounts"] = [],
): Transport {
  return dockerTransport({
    image: "node:24-slim",
    command: ["perl", "/hostile/hostile-agent.pl", secret],
    mounts: [
      { host: fileURLToPath(new URL("../fixtures", import.meta.url)), at: "/hostile" },
      ...mounts,
    ],
    ...walls[wall],
  });
}

/** Prepares a run, starts a hostile agent in it, and resolves once it takes orders. */
export async function startHostile(options: {
  readonly mailbox: Mailbox;
  readonly wall: Wall;
  readonly secret: string;
  readonly protocol: 0 | 1;
  readonly sessionId: string;
  /** Mounts beside the plan's. */
  readonly mounts?: DockerTransportOptions["mounts"];
}): Promise<HostileContainer> {
  const { mailbox, wall, secret, protocol, sessionId } = options;
  const transport = hostileTransport(wall, secret, options.mounts);
  const plan = await mailbox.prepare({
    owner: "hostile-test",
    sessionId,
    runId: `run-${randomBytes(8).toString("hex")}`,
    epoch: 1,
    protocol,
    agent: { slug: "coder", name: "Кодер" },
    conversation: { id: "0f8f3f0e-8e0f-4c5e-9d5c-6f5a0b1c2d3e", resume: false },
    unsettled: [],
    prompt: protocol === 0 ? "go" : null,
    config: {},
    runsAs: "dedicated",
  });
  await transport.start(plan);
  const order = orderer(hostPath(plan, "/workspace"));
  return {
    plan,
    order,
    async [Symbol.asyncDispose]() {
      await transport.stop(plan, 0);
      await transport.remove(plan);
    },
  };
}

/** Tells orders to the agent with this workspace. Each waits until the agent is there. */
export function orderer(workspace: string): HostileContainer["order"] {
  let last = 0;
  return async (...words) => {
    last += 1;
    const id = String(last);
    const reply = join(workspace, "replies", id);
    const written = join(workspace, `.order-${id}`);
    await writeFile(written, `${words.join(" ")}\n`);
    await chmod(written, 0o644);
    await until(
      () => rename(written, join(workspace, "orders", id)).then(() => true, isMissing),
      `the agent to take "${words.join(" ")}"`,
    );
    let said = "";
    await until(
      async () => {
        const text = await readFile(reply, "utf8").catch(
          (error: unknown) => isMissing(error) || null,
        );
        said = typeof text === "string" ? text : "";
        return typeof text === "string";
      },
      `a reply to "${words.join(" ")}"`,
    );
    await rm(reply, { force: true });
    if (said.startsWith("died:")) throw new Error(`${words.join(" ")}: ${said}`);
    return said;
  };
}

/** Where the plan puts something on the host. */
export function hostPath(plan: RunPlan, at: string): string {
  const folder = plan.folders.find((candidate) => candidate.at === at);
  if (folder === undefined) throw new Error(`The plan has no ${at}.`);
  return folder.host;
}

async function until(holds: () => Promise<boolean>, what: string): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`Waited in vain for ${what}.`);
    await pause(4);
  }
}

function isMissing(error: unknown): false {
  if (error instanceof Error && "code" in error && error.code === "ENOENT") return false;
  throw error;
}
