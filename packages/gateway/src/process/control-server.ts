import { rm } from "node:fs/promises";
import { createServer } from "node:net";
import type { Socket } from "node:net";
import type { MeterReading } from "@waybill/core";
import type { ControlCall, ControlReply, CredentialRefused, Hello } from "../control-words.ts";
import { eachLine } from "../each-line.ts";
import type { LedgerOwner } from "../way-spec.ts";
import { errorCode } from "./error-code.ts";
import { leadsTo, listenAt } from "./listen-at.ts";
import { readCall } from "./read-call.ts";

/** Where to serve orchestrators, and who does what they ask. */
export interface ControlOptions {
  readonly socket: string;
  readonly hello: () => Hello;
  readonly attach: (call: CallOf<"attach">) => Promise<void>;
  readonly detach: (run: { sessionId: string; runId: string }) => Promise<void>;
  readonly erase: (session: LedgerOwner) => Promise<void>;
  readonly forget: (session: LedgerOwner) => void;
  readonly credential: (call: CallOf<"credential">) => void;
  readonly readings: (call: CallOf<"readings">) => Promise<readonly MeterReading[]>;
  readonly stop: () => void;
}

type CallOf<Name extends ControlCall["call"]> = Extract<ControlCall, { readonly call: Name }>;

/** The process's end of the control socket. */
export interface ControlServer {
  /** Tells every orchestrator; false where none is there. */
  notify(notice: CredentialRefused): boolean;
  readonly connections: number;
  /** When an orchestrator last asked for something. */
  readonly heardAt: number;
  reachable(): Promise<boolean>;
  close(): Promise<void>;
}

/** A line holds one way with its lists and prices: far less than this. */
const LINE_LENGTH = 1_024 * 1_024;

/**
 * Serves orchestrators. Calls are done one after another, whichever connection they come from, so
 * that an attach and a detach of one run cannot interleave; only who waits for readings waits aside.
 */
export async function serveControl(options: ControlOptions): Promise<ControlServer> {
  const connections = new Set<Socket>();
  let heardAt = Date.now();
  let queue = Promise.resolve();

  const server = createServer((socket) => {
    connections.add(socket);
    socket.on("error", () => socket.destroy());
    socket.on("close", () => connections.delete(socket));
    const reply = (said: ControlReply): void => {
      if (socket.writable) socket.write(`${JSON.stringify(said)}\n`);
    };
    eachLine(socket, LINE_LENGTH, (line) => {
      heardAt = Date.now();
      const read = readCall(line);
      if ("error" in read) {
        return reply({ id: read.id, ok: false, code: "BAD_CALL", message: read.error });
      }
      const { id, call } = read;
      if (call.call === "readings") void answer(id, call, options).then(reply);
      else queue = queue.then(async () => reply(await answer(id, call, options)));
    });
  });
  const ino = await listenAt(server, options.socket);

  return {
    get connections() {
      return connections.size;
    },
    get heardAt() {
      return heardAt;
    },
    notify: (notice) => {
      for (const socket of connections) socket.write(`${JSON.stringify(notice)}\n`);
      return connections.size > 0;
    },
    reachable: () => leadsTo(options.socket, ino),
    close: async () => {
      if (await leadsTo(options.socket, ino)) await rm(options.socket, { force: true });
      server.close();
      await queue;
      // Connections end with the process: that is how whoever asked it to stop knows that it is gone.
    },
  };
}

async function answer(
  id: number,
  call: ControlCall,
  options: ControlOptions,
): Promise<ControlReply> {
  try {
    return { id, ok: true, ...(await perform(call, options)) };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { id, ok: false, code: errorCode(error), message };
  }
}

async function perform(
  call: ControlCall,
  options: ControlOptions,
): Promise<{ hello?: Hello; readings?: readonly MeterReading[] }> {
  switch (call.call) {
    case "hello":
      return { hello: options.hello() };
    case "attach":
      await options.attach(call);
      return {};
    case "detach":
      await options.detach(call);
      return {};
    case "erase":
      await options.erase(call);
      return {};
    case "forget":
      options.forget(call);
      return {};
    case "credential":
      options.credential(call);
      return {};
    case "readings":
      return { readings: await options.readings(call) };
    case "stop":
      options.stop();
      return {};
  }
}
