import { rm } from "node:fs/promises";
import { connect, createServer } from "node:net";
import type { Socket } from "node:net";
import { execa } from "execa";

/** A door to the real engine that a test can shut: an engine that goes away and comes back. */
export interface EngineDoor extends AsyncDisposable {
  /** For the transport's `host`. */
  readonly address: string;
  shut(): Promise<void>;
  open(): Promise<void>;
}

/** Opens a door at this path of a socket. */
export async function engineDoor(path: string): Promise<EngineDoor> {
  const engine = await engineSocketPath();
  const through = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (here) => {
    const there = connect({ path: engine, allowHalfOpen: true });
    for (const [from, to] of [
      [here, there],
      [there, here],
    ] as const) {
      through.add(from);
      from.on("error", () => to.destroy());
      from.on("close", () => through.delete(from));
      from.pipe(to);
    }
  });
  const open = (): Promise<void> => new Promise((resolve) => server.listen(path, resolve));
  const shut = async (): Promise<void> => {
    const closed = new Promise((resolve) => server.close(resolve));
    for (const socket of through) socket.destroy();
    await closed;
    await rm(path, { force: true });
  };
  await open();
  return {
    address: `unix://${path}`,
    open,
    shut,
    [Symbol.asyncDispose]: async () => {
      if (server.listening) await shut();
    },
  };
}

/** The path of the unix socket on which the engine of the environment listens. */
export async function engineSocketPath(): Promise<string> {
  const format = '{{(index .Endpoints "docker").Host}}';
  const { stdout } = await execa("docker", ["context", "inspect", "--format", format]);
  return (process.env["DOCKER_HOST"] ?? stdout).replace(/^unix:\/\//u, "");
}
