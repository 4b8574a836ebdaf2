// Runs pnpm, whether the script was started by pnpm, by npm or by hand.
import { spawnSync } from "node:child_process";

/** Resolves nothing and installs nothing by itself: the output, or an error that shows it. */
export function pnpm(args, options) {
  const [command, ...first] = pnpmCommand();
  const { status, stdout, stderr, error } = spawnSync(command, [...first, ...args], {
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
    ...options,
  });
  if (error !== undefined) throw error;
  if (status !== 0)
    throw new Error(`pnpm ${args.join(" ")} ended with ${status}:\n${stdout}${stderr}`);
  return stdout;
}

/** The pnpm that runs this script: pnpm 12 is a program, older ones are scripts for Node. */
function pnpmCommand() {
  const running = process.env.npm_execpath ?? "";
  if (!/pnpm[^/]*$/.test(running)) return ["npx", "-y", "pnpm@12"];
  return /\.[cm]?js$/.test(running) ? [process.execPath, running] : [running];
}
