import { connect, createServer, type AddressInfo, type Socket } from "node:net";

/** A way to a server that can be cut, as a cable can. */
export interface TcpProxy extends AsyncDisposable {
  readonly port: number;
  /** Cuts what is connected, and lets nobody through for so long. */
  cut(ms: number): void;
}

/** Listens at an address and passes everything on. */
export async function tcpProxy(listen: string, port: number): Promise<TcpProxy> {
  const sockets = new Set<Socket>();
  let cutUntil = 0;
  const server = createServer((near) => {
    if (Date.now() < cutUntil) {
      near.destroy();
      return;
    }
    const far = connect(port, "127.0.0.1");
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(one);
      one.on("error", () => undefined); // "close" follows
      one.on("close", () => {
        sockets.delete(one);
        other.destroy();
      });
    }
    near.pipe(far).pipe(near);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, listen, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    cut: (ms) => {
      cutUntil = Date.now() + ms;
      for (const socket of sockets) socket.destroy();
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
}
