import { connect } from "node:net";
import type { Socket } from "node:net";
import { WaybillError } from "@waybill/core";
import { z } from "zod";
import type { ControlCall, ControlReply, CredentialRefused } from "./control-words.ts";
import { eachLine } from "./each-line.ts";
import { controlSocket } from "./way-spec.ts";

/** How long the process may take for an answer, in milliseconds. */
const ANSWER_MS = 10_000;
/** No answer is nearly as long. */
const LINE_LENGTH = 262_144;

const about = {
  mark: z.object({ ledger: z.string(), seq: z.int().positive() }),
  runId: z.string(),
  at: z.number(),
  model: z.string().nullable(),
};
const count = z.int().nonnegative();
const reading = z.discriminatedUnion("type", [
  z.object({
    type: z.literal("usage"),
    ...about,
    inputTokens: count,
    outputTokens: count,
    cacheReadTokens: count,
    cacheWriteTokens: count,
    costUsd: z.number().nonnegative().nullable(),
    estimated: z.boolean(),
  }),
  z.object({ type: z.literal("refused"), ...about, reason: z.string(), count }),
]);
const said = z.union([
  z.object({
    id: z.number(),
    ok: z.literal(true),
    hello: z.object({ version: z.number(), pid: z.number(), runs: z.number() }).exactOptional(),
    readings: z.array(reading).exactOptional(),
  }),
  z.object({ id: z.number(), ok: z.literal(false), code: z.string(), message: z.string() }),
  z.object({
    notice: z.literal("credential-refused"),
    keyring: z.string(),
    name: z.string().nullable(),
    upstream: z.string(),
  }),
]);

/** What a call brought. */
export type Answer = Omit<Extract<ControlReply, { readonly ok: true }>, "id" | "ok">;

/** A connection to the gateway's process. It alone never keeps its owner's process alive. */
export interface ControlLink {
  readonly open: boolean;
  /** Resolves with the answer. Throws `GATEWAY_CONNECTION_LOST`, or the code of what went wrong. */
  call(call: ControlCall): Promise<Answer>;
  /** Called when an upstream refused a credential. */
  onRefused(listener: (refused: CredentialRefused) => void): void;
  /** Called once, when the connection has ended for whatever reason but `close`. */
  onLost(listener: () => void): void;
  /** Resolves when the connection has ended, and keeps our process alive until then. */
  ended(): Promise<void>;
  close(): void;
}

/** Connects to the process of this root; null where nobody is there. */
export async function connectControl(root: string): Promise<ControlLink | null> {
  const socket = await connected(controlSocket(root));
  return socket === null ? null : controlLink(root, socket);
}

async function connected(file: string): Promise<Socket | null> {
  const socket = connect(file);
  return new Promise((resolve, reject) => {
    socket.once("connect", () => resolve(socket));
    socket.once("error", (error: NodeJS.ErrnoException) => {
      const nobody = error.code === "ENOENT" || error.code === "ECONNREFUSED";
      if (nobody) resolve(null);
      else reject(error);
    });
  });
}

function controlLink(root: string, socket: Socket): ControlLink {
  const waiting = new Map<
    number,
    { resolve(reply: ControlReply): void; reject(error: Error): void }
  >();
  let nextId = 1;
  let holding = 0;
  let lost: (() => void) | null = null;
  let refusedListener: ((refused: CredentialRefused) => void) | null = null;
  let open = true;

  socket.unref();
  socket.on("error", () => socket.destroy());
  socket.on("close", () => {
    open = false;
    for (const call of waiting.values()) call.reject(connectionLost(root));
    lost?.();
  });
  eachLine(socket, LINE_LENGTH, (line) => {
    const read = said.safeParse(parseJson(line));
    if (!read.success) return void socket.destroy();
    if ("notice" in read.data) refusedListener?.(read.data);
    else waiting.get(read.data.id)?.resolve(read.data);
  });

  /** Who only waits for something to happen does not keep our process alive. */
  const hold = (change: 1 | -1): void => {
    holding += change;
    if (holding > 0) socket.ref();
    else socket.unref();
  };
  const ask = async (call: ControlCall): Promise<ControlReply> => {
    if (!open) throw connectionLost(root);
    const id = nextId++;
    const patience = call.call === "readings" ? call.waitMs : 0;
    const timer = { handle: null as NodeJS.Timeout | null };
    if (patience === 0) hold(1);
    try {
      return await new Promise<ControlReply>((resolve, reject) => {
        waiting.set(id, { resolve, reject });
        timer.handle = setTimeout(() => reject(unresponsive(root)), ANSWER_MS + patience);
        if (patience > 0) timer.handle.unref();
        socket.write(`${JSON.stringify({ id, ...call })}\n`);
      });
    } finally {
      if (timer.handle !== null) clearTimeout(timer.handle);
      waiting.delete(id);
      if (patience === 0) hold(-1);
    }
  };

  return {
    get open() {
      return open;
    },
    async call(call) {
      const answer = await ask(call);
      if (answer.ok) return answer;
      throw refused(root, call, answer);
    },
    onLost: (listener) => void (lost = listener),
    onRefused: (listener) => void (refusedListener = listener),
    async ended() {
      hold(1);
      if (open) await new Promise<void>((resolve) => socket.once("close", () => resolve()));
    },
    close() {
      lost = null;
      socket.destroy();
    },
  };
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return null; // No schema takes null: the caller ends the connection.
  }
}

function connectionLost(root: string): WaybillError {
  return new WaybillError(
    "GATEWAY_CONNECTION_LOST",
    `The gateway's process in ${root} ended before it answered. The next call starts it again.`,
    { class: "transient", details: { root } },
  );
}

function unresponsive(root: string): WaybillError {
  return new WaybillError(
    "GATEWAY_UNRESPONSIVE",
    `The gateway's process in ${root} does not answer. If it stays so, end the process whose id is in ${root}/pid; runs find their sockets again after the next start.`,
    { class: "transient", details: { root } },
  );
}

function refused(
  root: string,
  { call }: ControlCall,
  answer: { readonly code: string; readonly message: string },
): WaybillError {
  return new WaybillError(
    "GATEWAY_CALL_FAILED",
    `The gateway's process in ${root} could not ${call}: ${answer.message}. See ${root}/gateway.log and the folder's owner and free space.`,
    { class: "transient", details: { root, call, code: answer.code } },
  );
}
