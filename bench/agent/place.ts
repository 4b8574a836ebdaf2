import type { ChildProcessWithoutNullStreams } from "node:child_process";
import { execFileSync, spawn } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { agentProgram } from "@waybill/agent";

/** What one run is given. */
export interface PlaceFolders {
  readonly inbox: string;
  readonly outbox: string;
  readonly state: string;
  readonly workspace: string;
}

/** Where runs are started: as child processes, or in containers. */
export interface Place {
  /** Our agent. */
  agent(folders: PlaceFolders): ChildProcessWithoutNullStreams;
  /** The SDK alone, with the same folders and limits. */
  bare(folders: PlaceFolders): ChildProcessWithoutNullStreams;
}

/** Where the agent's package has it installed; the program lies in its `src`. */
const SDK = join(agentProgram(), "../../node_modules/@anthropic-ai/claude-agent-sdk/sdk.mjs");
const BARE = fileURLToPath(new URL("bare-sdk.mjs", import.meta.url));

/** Child processes of this one, which talk to a model at this address. */
export function processes(modelUrl: string): Place {
  const start = (args: readonly string[], folders: PlaceFolders): ChildProcessWithoutNullStreams =>
    spawn(process.execPath, args, {
      cwd: folders.workspace,
      detached: true,
      env: { PATH: process.env["PATH"], ...environment(folders, modelUrl) },
    });
  return {
    agent: (folders) => start(["--conditions=@waybill/source", agentProgram()], folders),
    bare: (folders) => start([BARE, SDK], folders),
  };
}

const AT: PlaceFolders = {
  inbox: "/waybill/inbox",
  outbox: "/waybill/outbox",
  state: "/waybill/state",
  workspace: "/workspace",
};

/** Containers of this image under the usual limits, without a model: nobody waits for its answer. */
export function containers(image: string, names: (name: string) => void): Place {
  execFileSync("docker", ["image", "inspect", image], { stdio: "ignore" });
  const start = (
    folders: PlaceFolders,
    entry: readonly string[],
    command: readonly string[],
  ): ChildProcessWithoutNullStreams => {
    const name = `waybill-bench-agent-${process.pid}-${(made += 1)}`;
    names(name);
    const mounts = Object.entries(AT).flatMap(([folder, at]) => [
      "-v",
      `${folders[folder as keyof PlaceFolders]}:${at}`,
    ]);
    const env = Object.entries(environment(AT, "http://127.0.0.1:9"));
    return spawn("docker", [
      ...`run -i --rm --init --name ${name} --network none --read-only --cap-drop ALL`.split(" "),
      ...`--tmpfs /tmp --memory 512m --pids-limit 128 -v ${BARE}:/bare-sdk.mjs:ro`.split(" "),
      ...mounts,
      ...env.flatMap(([key, value]) => ["-e", `${key}=${value}`]),
      ...entry,
      image,
      ...command,
    ]);
  };
  const sdk = "/app/node_modules/@anthropic-ai/claude-agent-sdk/sdk.mjs";
  return {
    agent: (folders) => start(folders, [], []),
    bare: (folders) => start(folders, ["--entrypoint", "node"], ["/bare-sdk.mjs", sdk]),
  };
}

let made = 0;

function environment(folders: PlaceFolders, modelUrl: string): Record<string, string> {
  return {
    HOME: folders.state,
    WAYBILL_PROTOCOL: "1",
    WAYBILL_INBOX: folders.inbox,
    WAYBILL_OUTBOX: folders.outbox,
    WAYBILL_STATE: folders.state,
    WAYBILL_WORKSPACE: folders.workspace,
    // What our agent sets by itself, for the SDK alone.
    CLAUDE_CONFIG_DIR: `${folders.state}/bare`,
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
    CLAUDE_CODE_MAX_RETRIES: "0",
    IS_SANDBOX: "1",
    ANTHROPIC_BASE_URL: modelUrl,
    ANTHROPIC_API_KEY: "bench",
  };
}
