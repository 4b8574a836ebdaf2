import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { execa } from "execa";

/** An engine of our own, which a test may end and start again. */
export interface SecondEngine extends AsyncDisposable {
  /** For the transport's `host`. */
  readonly address: string;
  /** Resolves once it answers. */
  start(options: { readonly liveRestore: boolean }): Promise<void>;
  /** TERM, as a restart of the service does, or KILL, as when it crashes; resolves once it is gone. */
  end(signal: "SIGTERM" | "SIGKILL"): Promise<void>;
  /** Ends the engine and everything that it runs in the same instant, as a power cut does. */
  cutPower(): Promise<void>;
}

/**
 * Makes an engine with this image of the machine's engine. It has namespaces of its own for network
 * and mounts, so that it cannot touch the machine's, and its mounts vanish with it. Needs root.
 */
export async function secondEngine(image: string): Promise<SecondEngine> {
  const root = await mkdtemp(join(tmpdir(), "waybill-engine-"));
  const address = `unix://${join(root, "engine.sock")}`;
  // Holds the namespaces from one life of the engine to the next; when this process dies, its
  // standard input ends, and the engine with it.
  const holder = execa(
    "unshare",
    ["--net", "--mount", "sh", "-c", 'read -r _; kill "$(cat "$0")"', join(root, "pid")],
    { reject: false, stdin: "pipe", stdout: "ignore", stderr: "ignore" },
  );
  const docker = async (...args: string[]) =>
    await execa("docker", ["--host", address, ...args], { reject: false, timeout: 30_000 });
  let engine: ReturnType<typeof launch> | null = null;

  const launch = (liveRestore: boolean) => {
    const args = [
      ...["--target", String(holder.pid), "--net", "--mount", "dockerd", "--host", address],
      ...["--data-root", join(root, "data"), "--exec-root", join(root, "exec")],
      ...["--pidfile", join(root, "pid"), "--bridge=none", "--iptables=false", "--ip6tables=false"],
      ...(liveRestore ? ["--live-restore"] : []),
    ];
    return execa("nsenter", args, { reject: false, stdio: "ignore" });
  };

  const start: SecondEngine["start"] = async ({ liveRestore }) => {
    // A killed engine's containerd is dead as well, but a zombie for as long as nobody reaps it: the
    // next engine takes it for alive by its pid, and waits for its answer for ever.
    for (const name of ["pid", "exec/containerd/containerd.pid"]) {
      await rm(join(root, name), { force: true });
    }
    engine = launch(liveRestore);
    const deadline = performance.now() + 30_000;
    while ((await docker("version")).exitCode !== 0) {
      if (performance.now() > deadline) throw new Error("The second engine does not answer.");
      await pause(50);
    }
  };

  const end: SecondEngine["end"] = async (signal) => {
    engine?.kill(signal);
    await engine;
    engine = null;
  };

  await start({ liveRestore: false });
  const load = 'docker save "$1" | docker --host "$2" load';
  await execa("sh", ["-c", load, "sh", image, address]);
  return {
    address,
    start,
    end,
    cutPower: async () => {
      const ids = (await docker("ps", "--quiet", "--no-trunc")).stdout.split("\n");
      const { stdout } = await docker("inspect", "--format", "{{.State.Pid}}", ...ids);
      // The engine first: it must not see anything else end.
      await end("SIGKILL");
      for (const id of ids) for (const pid of await shimsOf(id)) kill(pid);
      for (const pid of stdout.split("\n")) kill(Number(pid));
    },
    [Symbol.asyncDispose]: async () => {
      if (engine === null) await start({ liveRestore: false });
      const ids = (await docker("ps", "--all", "--quiet")).stdout.split("\n").filter(Boolean);
      if (ids.length > 0) await docker("rm", "--force", ...ids);
      await end("SIGTERM");
      holder.kill("SIGKILL");
      await holder;
      await rm(root, { recursive: true, force: true, maxRetries: 20, retryDelay: 200 });
    },
  };
}

/** The processes between the engine and the container, which outlive the engine. */
async function shimsOf(id: string): Promise<readonly number[]> {
  const found = await execa("pgrep", ["-f", `^[^ ]*containerd-shim.*${id}`], { reject: false });
  return found.stdout.split("\n").filter(Boolean).map(Number);
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    // One died of the other's death.
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}
