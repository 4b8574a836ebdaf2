import { connect, createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";

/** A wire that breaks. */
export interface CuttingProxy {
  readonly url: string;
  /** How often it broke so far. */
  readonly cuts: number;
  close(): Promise<void>;
}

/**
 * Carries bytes between a client and a board, and breaks each connection after so many bytes as
 * chance says: in the middle of a greeting, of a frame, of an answer. After `cuts` times it holds.
 */
export async function cuttingProxy(
  target: string,
  options: {
    readonly random: () => number;
    readonly cuts: number;
    /** How many bytes a connection carries to the client at most. */
    readonly mostBytes: number;
  },
): Promise<CuttingProxy> {
  const { hostname, port } = new URL(target);
  const open = new Set<Socket>();
  let cuts = 0;
  const server = createServer((client) => {
    const board = connect(Number(port), hostname);
    let left = cuts < options.cuts ? Math.ceil(options.random() * options.mostBytes) : Infinity;
    const end = (): void => {
      open.delete(client);
      client.destroy();
      board.destroy();
    };
    open.add(client);
    // A board that restarts refuses connections, or breaks them: the client sees the same.
    for (const side of [client, board]) side.on("error", end).on("close", end);
    client.on("data", (bytes) => board.write(bytes));
    board.on("data", (bytes) => {
      client.write(bytes.subarray(0, Math.min(left, bytes.length)));
      left -= bytes.length;
      if (left > 0) return;
      cuts += 1;
      // What was carried so far arrives; then nothing does.
      client.destroySoon();
      board.destroy();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get cuts() {
      return cuts;
    },
    close: () =>
      new Promise<void>((resolve) => {
        for (const socket of open) socket.destroy();
        server.close(() => resolve());
      }),
  };
}
