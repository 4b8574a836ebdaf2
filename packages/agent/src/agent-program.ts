import { fileURLToPath } from "node:url";

/**
 * The path of the agent program, for a transport that starts it as a child process:
 * `[process.execPath, ...process.execArgv, agentProgram()]`.
 */
export function agentProgram(): string {
  // Its own source in this repository, or what was built from it.
  const built = import.meta.url.endsWith(".js");
  return fileURLToPath(new URL(built ? "./main.js" : "./main.ts", import.meta.url));
}
