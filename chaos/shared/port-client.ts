import { connect, type Socket } from "node:net";
import { linesOf } from "./lines-of.ts";
import { systemClock, WaybillError, type Mailbox, type Transport } from "@waybill/core";
import { FakeHost } from "@waybill/core/testing";
import type { PortReply, PortRequest } from "./port-words.ts";

/** The machine at the other end of a unix socket: its runs live on whatever becomes of this process. */
export async function connectPorts(
  path: string,
): Promise<{ readonly transport: Transport; readonly mailbox: Mailbox }> {
  const socket = connect(path);
  await new Promise<void>((resolve, reject) => {
    socket.once("connect", resolve);
    socket.once("error", reject);
  });
  const wire = new Wire(socket);
  const call = <T>(part: "transport" | "mailbox", method: string, ...args: unknown[]): Promise<T> =>
    wire.ask({ part, method, args }) as Promise<T>;
  const { locate } = new FakeHost({}, systemClock()).mailbox();
  return {
    transport: {
      kind: "fake",
      runsAs: "host",
      check: () => call("transport", "check"),
      start: (plan) => call("transport", "start", plan),
      watch: (run, signal) =>
        wire.each({ part: "transport", method: "watch", args: [run] }, signal),
      stop: (run, graceMs) => call("transport", "stop", run, graceMs),
      remove: (run) => call("transport", "remove", run),
      list: (owner) => call("transport", "list", owner),
      close: async () => undefined,
    },
    mailbox: {
      check: async () => undefined,
      prepare: (run) => call("mailbox", "prepare", run),
      locate,
      put: (plan, letter) => call("mailbox", "put", plan, letter),
      receive: (plan, { after, follow, signal }) =>
        wire.each({ part: "mailbox", method: "receive", args: [plan, { after, follow }] }, signal),
      remove: (run) => call("mailbox", "remove", run),
      erase: (session) => call("mailbox", "erase", session),
      close: async () => undefined,
    },
  };
}

type Call = Pick<Extract<PortRequest, { readonly args: unknown }>, "part" | "method" | "args">;

class Wire {
  readonly #socket: Socket;
  readonly #waiting = new Map<number, (reply: PortReply) => void>();
  #asked = 0;

  constructor(socket: Socket) {
    this.#socket = socket;
    linesOf(socket, (line) => {
      const reply = JSON.parse(line) as PortReply;
      const resolve = this.#waiting.get(reply.id);
      this.#waiting.delete(reply.id);
      resolve?.(reply);
    });
  }

  async ask(call: Call): Promise<unknown> {
    this.#asked += 1;
    return valueOf(await this.#exchange({ id: this.#asked, ...call }));
  }

  async *each<T>(call: Call, signal: AbortSignal): AsyncGenerator<T> {
    this.#asked += 1;
    const id = this.#asked;
    this.#send({ id, ...call });
    const aborted = Promise.withResolvers<PortReply>();
    const cancel = (): void => {
      this.#send({ id, cancel: true });
      aborted.resolve({ id, done: true });
    };
    signal.addEventListener("abort", cancel);
    try {
      while (!signal.aborted) {
        const reply = await Promise.race([this.#exchange({ id, next: true }), aborted.promise]);
        if ("done" in reply) return;
        yield valueOf(reply) as T;
      }
    } finally {
      signal.removeEventListener("abort", cancel);
    }
  }

  #exchange(request: PortRequest): Promise<PortReply> {
    return new Promise((resolve) => {
      this.#waiting.set(request.id, resolve);
      this.#send(request);
    });
  }

  #send(request: PortRequest): void {
    this.#socket.write(`${JSON.stringify(request)}\n`);
  }
}

function valueOf(reply: PortReply): unknown {
  if ("failure" in reply) {
    const { code, message } = reply.failure;
    throw new WaybillError(code, message);
  }
  return "value" in reply ? reply.value : undefined;
}
