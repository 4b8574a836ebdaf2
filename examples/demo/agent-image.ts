import { execa } from "execa";
import { fileURLToPath } from "node:url";

/** The image that the agent runs in. */
const agentImage = "team-board-agent:latest";

/** Builds the agent's image where it is missing. */
export async function ensureAgentImage(narrate: (text: string) => void): Promise<void> {
  const found = await execa("docker", ["image", "inspect", agentImage], { reject: false });
  if (found.exitCode === 0) return;
  if (found.code === "ENOENT") {
    throw new Error(
      "--docker needs the docker command. Install a Docker engine, or leave --docker out.",
    );
  }
  narrate(`The image ${agentImage} is missing: it is built, which takes a while.`);
  const root = fileURLToPath(new URL("../..", import.meta.url));
  await execa("docker", ["build", "-f", "packages/agent/Dockerfile", "-t", agentImage, "."], {
    cwd: root,
    stdout: process.stderr,
    stderr: "inherit",
  });
}
