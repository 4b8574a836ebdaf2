import { parentPort, workerData } from "node:worker_threads";
import type { MessagePort } from "node:worker_threads";
import { failureFrom } from "./failure.ts";
import type { Handlers, Reply, Request, ThreadStart } from "./messages.ts";
import { openForOwner, openForReader } from "./open.ts";
import { serveOwner } from "./serve-owner.ts";
import { serveReader } from "./serve-reader.ts";

// The thread in which SQLite works, so that no sync of a slow disk ever holds up the event loop. It
// runs from source and from the built package alike, and imports nothing but Node's own modules and
// its neighbours here.
if (parentPort !== null) serve(parentPort, workerData);

function serve(port: MessagePort, start: ThreadStart): void {
  const open = start.role === "owner" ? openForOwner : openForReader;
  const serveLog = start.role === "owner" ? serveOwner : serveReader;
  let handlers: Partial<Handlers> = {};
  const isOpen = answer(0, () => {
    const log = open(start);
    handlers = serveLog(log, start.path);
    return log.opened;
  });
  if (!isOpen) return port.close();
  port.on("message", (request: Request) => {
    answer(request.re, () => handle(handlers, request));
    if (request.call === "close") port.close();
  });

  function answer(re: number, work: () => unknown): boolean {
    const reply = replyTo(re, start.path, work);
    port.postMessage(reply);
    return reply.ok;
  }
}

function replyTo(re: number, path: string, work: () => unknown): Reply {
  try {
    return { re, ok: true, answer: work() };
  } catch (error) {
    return { re, ok: false, failure: failureFrom(error, path) };
  }
}

function handle(handlers: Partial<Handlers>, { call, ask }: Request): unknown {
  const handler = handlers[call];
  if (handler === undefined) throw new TypeError(`Only the owner of a store may call ${call}.`);
  // The union of requests ties each ask to its call; TypeScript cannot follow that through a lookup.
  return handler(ask as never);
}
