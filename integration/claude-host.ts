import { readFileSync, readdirSync } from "node:fs";
import { agentProgram } from "@waybill/agent";
import type { Transport } from "@waybill/core";
import { processTransport } from "@waybill/transport-process";

/** The real agent, Claude Agent SDK and all, as a child process. */
export function claudeAgent(env: Readonly<Record<string, string>>): Transport {
  const command = [process.execPath, "--conditions=@waybill/source", agentProgram()] as const;
  return processTransport({ command, env });
}

/** A message whose script the scripted model plays. */
export function scripted(text: string, lines: readonly string[]): string {
  return `${text}\n\n\`\`\`script\n${lines.join("\n")}\n\`\`\``;
}

/** A line of a script that calls a Tracker tool. */
export function trackerTool(name: string, input: object): string {
  return `tool mcp__tracker__${name} ${JSON.stringify(input)}`;
}

/** The processes whose environment names this folder: a run's own, with all its descendants. */
export function processesOf(
  folder: string,
): readonly { readonly pid: number; readonly command: string }[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((name) => {
      try {
        if (!readFileSync(`/proc/${name}/environ`, "utf8").includes(folder)) return [];
        const command = readFileSync(`/proc/${name}/cmdline`, "utf8").replaceAll("\0", " ");
        return [{ pid: Number(name), command }];
      } catch {
        return []; // it ended, or it is somebody else's
      }
    });
}
