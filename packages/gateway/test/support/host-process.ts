import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Attachment } from "@waybill/core";

/** An orchestrator in a process of its own, which has attached a run. */
export interface HostProcess {
  readonly child: ChildProcess;
  readonly attachment: Attachment;
}

/** What an orchestrator is told; without a user, its run has its own. */
export interface HostTold {
  readonly root: string;
  readonly upstream: string;
  readonly key: string;
  readonly run: string;
  readonly user?: { readonly uid: number; readonly gid: number };
}

/** Starts an orchestrator that attaches one run, as another user if asked. Throws the error's code. */
export async function hostProcess(
  told: HostTold,
  as: { uid?: number; gid?: number } = {},
): Promise<HostProcess> {
  const fixture = fileURLToPath(new URL("../fixtures/host.ts", import.meta.url));
  const child = spawn(process.execPath, ["--conditions=@waybill/source", fixture], {
    ...as,
    // A process group of its own, as a shell gives it, so that a test can kill all of it.
    detached: true,
    stdio: ["pipe", "pipe", "inherit"],
  });
  child.stdin.end(JSON.stringify(told));
  const lines = createInterface({ input: child.stdout });
  const [line] = (await Promise.race([once(lines, "line"), endedEarly(child)])) as [string];
  const said = JSON.parse(line) as Attachment | { readonly error: string };
  if (!("error" in said)) return { child, attachment: said };
  child.kill("SIGKILL");
  throw new Error(said.error);
}

async function endedEarly(child: ChildProcess): Promise<never> {
  await once(child, "exit");
  throw new Error("The host ended early.");
}
