import { connect, createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";

/** A way to a server that can be cut, as a network is: nobody is told anything. */
export interface Cuttable extends AsyncDisposable {
  readonly url: string;
  /** The server's bytes are swallowed, and the client's arrive; connections stay up. */
  silence(): void;
  /** Bytes pass again, on new connections; the old ones end. */
  heal(): void;
}

/** Stands between a client and the server of this URL. */
export async function cuttable(url: string): Promise<Cuttable> {
  const target = new URL(url);
  const sockets = new Set<Socket>();
  let isSilent = false;
  const pass = (from: Socket, to: Socket, isAnswer: boolean): void => {
    sockets.add(from);
    from.on("data", (bytes) => {
      if (!(isSilent && isAnswer)) to.write(bytes);
    });
    from.on("error", () => to.destroy());
    from.on("close", () => {
      sockets.delete(from);
      to.destroy();
    });
  };
  const server = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname);
    pass(client, upstream, false);
    pass(upstream, client, true);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const through = new URL(url);
  through.port = String((server.address() as AddressInfo).port);
  const drop = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    url: through.href,
    silence: () => {
      isSilent = true;
    },
    heal: () => {
      isSilent = false;
      drop();
    },
    [Symbol.asyncDispose]: async () => {
      drop();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
}
