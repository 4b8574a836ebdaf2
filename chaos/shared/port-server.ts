import { createServer, type Server, type Socket } from "node:net";
import { linesOf } from "./lines-of.ts";
import { failureOf, type Mailbox, type Transport } from "@waybill/core";
import { iterations, type PortReply, type PortRequest } from "./port-words.ts";

/** Offers a machine's transport and mailbox to other processes, at a unix socket. */
export async function servePorts(
  path: string,
  parts: { readonly transport: Transport; readonly mailbox: Mailbox },
): Promise<AsyncDisposable> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined); // "close" follows
    serve(socket, parts);
    socket.on("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => {
    server.listen(path, resolve);
  });
  return {
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
}

function serve(
  socket: Socket,
  parts: { readonly transport: Transport; readonly mailbox: Mailbox },
): void {
  const open = new Map<
    number,
    { readonly items: AsyncIterator<unknown>; readonly end: AbortController }
  >();
  const say = (reply: PortReply): void => {
    if (!socket.destroyed) socket.write(`${JSON.stringify(reply)}\n`);
  };

  linesOf(socket, (line) => {
    const request = JSON.parse(line) as PortRequest;
    void answer(request).catch((error: unknown) => {
      const { code, message } = failureOf(error);
      say({ id: request.id, failure: { code, message } });
    });
  });
  socket.on("close", () => {
    for (const { end } of open.values()) end.abort();
  });

  async function answer(request: PortRequest): Promise<void> {
    const { id } = request;
    if ("cancel" in request) {
      open.get(id)?.end.abort();
      open.delete(id);
    } else if ("next" in request) {
      const result = await open.get(id)?.items.next();
      if (result === undefined || result.done === true) {
        open.delete(id);
        say({ id, done: true });
      } else say({ id, value: result.value });
    } else {
      const target: object = parts[request.part];
      const method: unknown = Reflect.get(target, request.method);
      if (typeof method !== "function") throw new TypeError(`There is no ${request.method}().`);
      if (!iterations.has(request.method)) {
        say({ id, value: await Reflect.apply(method, target, [...request.args]) });
        return;
      }
      const end = new AbortController();
      const [handle, options] = request.args;
      const signalled =
        request.method === "watch" ? end.signal : { ...(options as object), signal: end.signal };
      const items = Reflect.apply(method, target, [handle, signalled]) as AsyncIterable<unknown>;
      open.set(id, { items: items[Symbol.asyncIterator](), end });
    }
  }
}
