import { rm } from "node:fs/promises";
import { createServer } from "node:net";
import type { Socket } from "node:net";
import type { ControlCall, ControlReply, Credential, Hello } from "../control-words.ts";
import { eachLine } from "../each-line.ts";
import type { WaySpec } from "../way-spec.ts";
import { errorCode } from "./error-code.ts";
import { leadsTo, listenAt } from "./listen-at.ts";
import { readCall } from "./read-call.ts";

/** Where to serve orchestrators, and who does what they ask. */
export interface ControlOptions {
  readonly socket: string;
  readonly hello: () => Hello;
  readonly attach: (way: WaySpec, credential: Credential) => Promise<void>;
  readonly detach: (run: { sessionId: string; runId: string }) => Promise<void>;
  readonly stop: () => void;
}

/** The process's end of the control socket. */
export interface ControlServer {
  readonly connections: number;
  /** When an orchestrator last asked for something. */
  readonly heardAt: number;
  reachable(): Promise<boolean>;
  close(): Promise<void>;
}

/** A line holds one way and one credential: far less than this. */
const LINE_LENGTH = 256 * 1_024;

/**
 * Serves orchestrators. Calls are done one after another, whichever connection they come from, so
 * that an attach and a detach of one run cannot interleave.
 */
export async function serveControl(options: ControlOptions): Promise<ControlServer> {
  const connections = new Set<Socket>();
  let heardAt = Date.now();
  let queue = Promise.resolve();

  const server = createServer((socket) => {
    connections.add(socket);
    socket.on("error", () => socket.destroy());
    socket.on("close", () => connections.delete(socket));
    eachLine(socket, LINE_LENGTH, (line) => {
      heardAt = Date.now();
      queue = queue.then(async () => {
        const reply = await answer(line, options);
        if (socket.writable) socket.write(`${JSON.stringify(reply)}\n`);
      });
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
    reachable: () => leadsTo(options.socket, ino),
    close: async () => {
      if (await leadsTo(options.socket, ino)) await rm(options.socket, { force: true });
      server.close();
      await queue;
      // Connections end with the process: that is how whoever asked it to stop knows that it is gone.
    },
  };
}

async function answer(line: string, options: ControlOptions): Promise<ControlReply> {
  const read = readCall(line);
  if ("error" in read) return { id: read.id, ok: false, code: "BAD_CALL", message: read.error };
  try {
    return { id: read.id, ok: true, ...(await perform(read.call, options)) };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { id: read.id, ok: false, code: errorCode(error), message };
  }
}

async function perform(call: ControlCall, options: ControlOptions): Promise<{ hello?: Hello }> {
  switch (call.call) {
    case "hello":
      return { hello: options.hello() };
    case "attach":
      await options.attach(call.way, call.credential);
      return {};
    case "detach":
      await options.detach(call);
      return {};
    case "stop":
      options.stop();
      return {};
  }
}
