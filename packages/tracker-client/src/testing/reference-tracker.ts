import { randomBytes, timingSafeEqual, createHash } from "node:crypto";
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { setTimeout as wait } from "node:timers/promises";
import { WaybillError } from "@waybill/core";
import { openBoard } from "./board.ts";
import type { Board, BoardRecords, ChatSeed, TaskSeed } from "./board.ts";
import type { MessageRow } from "./board-rows.ts";
import { boardAnswer } from "./board-routes.ts";
import { controlAnswer, headerFaults } from "./control-routes.ts";
import { standOf } from "./event-page.ts";
import { eventSockets } from "./event-sockets.ts";
import { readExchange, refused, reply } from "./exchange.ts";
import type { Answer, Exchange } from "./exchange.ts";
import { faultSwitch } from "./fault-switch.ts";
import type { Fault, FaultSwitch } from "./fault-switch.ts";

/** A board to run. */
export interface ReferenceTrackerOptions {
  /** Default: 0, a port that the system picks. */
  readonly port?: number;
  /** The address to listen at. Default: `127.0.0.1`. */
  readonly host?: string;
  /** The Bearer token that it wants. Default: a random one. */
  readonly token?: string;
  /** Where it keeps its records, one JSON line each. Default: in memory alone. */
  readonly file?: string;
  /** Whether it honours Idempotency-Key. Default: true. */
  readonly keys?: boolean;
  /** What it begins with, beside what the file holds. Default: a chat `general` and a task `task-1`. */
  readonly seed?: { readonly chats?: readonly ChatSeed[]; readonly tasks?: readonly TaskSeed[] };
  /** Whether it tells its events over WebSocket. Default: true; else they can only be asked for. */
  readonly sockets?: boolean;
  /** How often a follower gets a sign of life, in milliseconds. Default: 15,000. */
  readonly heartbeatMs?: number;
  /** Decides whether a fault with a chance hits, from 0 to below 1. Default: `Math.random`. */
  readonly random?: () => number;
}

/** A board that runs. */
export interface ReferenceTracker extends AsyncDisposable {
  readonly url: string;
  readonly token: string;
  /** What was really done; it goes on changing. */
  readonly records: BoardRecords;
  /** Repeats that were answered from memory so far. */
  readonly absorbed: number;
  /** Requests that came in, with those that a fault swallowed; without those to the switch. */
  readonly requests: number;
  readonly faults: FaultSwitch;
  /** Has somebody say something in a chat, as a person at the board would. Gives the message. */
  say(
    chat: string,
    content: string,
    by?: Partial<Pick<MessageRow, "sender_type" | "sender_name" | "reply_to">>,
  ): MessageRow;
  /** Cuts the connection of everybody who follows the events. Gives their number. */
  cutFollowers(): number;
  /** Stops listening, cuts what is connected and closes the file. Repeated calls do nothing. */
  close(): Promise<void>;
}

const defaultSeed = {
  chats: [{ id: "general", title: "General" }],
  tasks: [{ id: "task-1", title: "Write the first test" }],
};

/**
 * A real team board on node:http alone: chats, messages, tasks, comments, Bearer tokens,
 * Idempotency-Key, and faults on demand. For tests, demos and whoever has no board yet; it keeps
 * everything in memory. Throws `BOARD_ADDRESS_UNAVAILABLE` and `BOARD_FILE_INVALID`.
 */
export async function referenceTracker(
  options: ReferenceTrackerOptions = {},
): Promise<ReferenceTracker> {
  const seed = options.seed ?? defaultSeed;
  const board = openBoard({ file: options.file, chats: seed.chats ?? [], tasks: seed.tasks ?? [] });
  const token = options.token ?? randomBytes(24).toString("base64url");
  const keys = options.keys ?? true;
  const offersSockets = options.sockets ?? true;
  const { faults, hits, eventHits } = faultSwitch(options.random ?? Math.random);
  const heartbeatMs = options.heartbeatMs ?? 15_000;
  const followers = eventSockets(board, { heartbeatMs, hits: eventHits });
  const stopping = new AbortController();
  let requests = 0;

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const exchange = await readExchange(request);
    if ("status" in exchange) {
      return reply(response, exchange);
    }
    if (!isAuthorized(exchange, token)) {
      return reply(response, {
        ...refused(401, "UNAUTHORIZED", "The Bearer token is missing or wrong."),
        headers: { "www-authenticate": "Bearer" },
      });
    }
    const control = controlAnswer(exchange, board, faults, requests);
    if (control !== null) {
      return reply(response, control);
    }
    requests += 1;
    const asked = headerFaults(exchange);
    if ("status" in asked) {
      return reply(response, asked);
    }
    await misbehave(exchange, response, [...hits(exchange.method, exchange.path), ...asked.faults]);
  };

  const misbehave = async (
    exchange: Exchange,
    response: ServerResponse,
    hit: readonly Fault[],
  ): Promise<void> => {
    await delays(hit, "before", stopping.signal);
    if (drops(hit, "before")) {
      return void response.destroy();
    }
    const refusal = hit.find((fault) => fault.do === "status");
    if (refusal !== undefined) {
      return reply(response, faultAnswer(refusal));
    }
    const ignoresKeys = hit.some(({ do: does }) => does === "ignore_keys");
    const answer = boardAnswer(exchange, board, {
      keys: keys && !ignoresKeys,
      sockets: offersSockets,
    });
    await delays(hit, "after", stopping.signal);
    if (drops(hit, "after")) {
      return void response.destroy();
    }
    const garbled = hit.some((fault) => fault.do === "garbage");
    reply(response, garbled ? { status: 200, body: "<html>It works!</html>" } : answer);
  };

  const server = createServer((request, response) => {
    serve(request, response).catch((error: unknown) => {
      if (response.headersSent || response.destroyed || stopping.signal.aborted) {
        response.destroy();
        return;
      }
      const reason = error instanceof Error ? error.message : String(error);
      reply(response, refused(500, "BOARD_FAILED", reason));
    });
  });
  server.on("upgrade", (request, socket, head) => {
    // Whoever goes away in the middle of a greeting is no matter for the board.
    socket.on("error", () => socket.destroy());
    if (stopping.signal.aborted) {
      socket.destroy();
      return;
    }
    const url = URL.parse(request.url ?? "", "http://board");
    const hit = hits("GET", url?.pathname ?? "");
    const after = url?.searchParams.get("after") || null;
    requests += 1;
    if (drops(hit, "before") || drops(hit, "after")) {
      socket.destroy();
    } else if (!isAuthorized(request, token)) {
      turnAway(socket, 401);
    } else if (!offersSockets || url?.pathname !== "/api/v1/events") {
      turnAway(socket, 404);
    } else if (standOf(board.events, after) === null) {
      turnAway(socket, 410);
    } else {
      const status = hit.find((fault) => fault.do === "status")?.status;
      if (status === undefined) {
        followers.accept(request, socket, head, after);
      } else {
        turnAway(socket, status);
      }
    }
  });
  const url = await listen(server, options.port ?? 0, options.host ?? "127.0.0.1", () =>
    board.close(),
  );

  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => {
    closing ??= new Promise((resolve) => {
      stopping.abort();
      server.close(() => {
        board.close();
        resolve();
      });
      server.closeAllConnections();
      followers.cut();
    });
    return closing;
  };

  return {
    url,
    token,
    records: board.records,
    get absorbed() {
      return board.records.absorbed;
    },
    get requests() {
      return requests;
    },
    faults,
    say: (chat, content, by) => sayOn(board, chat, content, by),
    cutFollowers: followers.cut,
    close,
    [Symbol.asyncDispose]: close,
  };
}

function sayOn(
  board: Board,
  chat: string,
  content: string,
  by: Partial<Pick<MessageRow, "sender_type" | "sender_name" | "reply_to">> = {},
): MessageRow {
  if (board.chat(chat) === undefined) {
    throw new TypeError(`There is no chat ${chat}.`);
  }
  const who = { sender_type: "human", sender_name: "Somebody", reply_to: null, ...by };
  const { row } = board.commit((seq, at) => ({
    kind: "message",
    row: { id: `m-${seq}`, chat_id: chat, content, ...who, client_id: null, created_at: at },
  }));
  return row;
}

async function listen(
  server: ReturnType<typeof createServer>,
  port: number,
  host: string,
  giveUp: () => void,
): Promise<string> {
  try {
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen(port, host, resolve);
    });
  } catch (error) {
    giveUp();
    throw new WaybillError(
      "BOARD_ADDRESS_UNAVAILABLE",
      `The reference Tracker cannot listen at ${host}:${port} (${error instanceof Error ? error.message : String(error)}). Give another port, or 0 for a free one.`,
      { details: { host, port }, cause: error },
    );
  }
  const address = server.address();
  const actual = typeof address === "object" && address !== null ? address.port : port;
  return `http://${host.includes(":") ? `[${host}]` : host}:${actual}`;
}

// The greeting of a WebSocket is refused with a plain HTTP answer, which says nothing to most clients.
function turnAway(socket: Duplex, status: number): void {
  socket.end(`HTTP/1.1 ${status} Refused\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
}

function isAuthorized(exchange: Pick<Exchange, "headers">, token: string): boolean {
  const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(exchange.headers.authorization ?? ""), digest(`Bearer ${token}`));
}

// The time passes whether or not the client still waits: a board does not notice that it has gone.
async function delays(
  hit: readonly Fault[],
  when: "before" | "after",
  stopping: AbortSignal,
): Promise<void> {
  for (const fault of hit) {
    if (fault.do === "delay" && fault.when === when) {
      await wait(fault.ms, undefined, { signal: stopping });
    }
  }
}

function drops(hit: readonly Fault[], when: "before" | "after"): boolean {
  return hit.some((fault) => fault.do === "drop" && fault.when === when);
}

function faultAnswer(fault: Extract<Fault, { do: "status" }>): Answer {
  return {
    status: fault.status,
    body: fault.body ?? { error: { code: "FAULT", message: "A fault, as it was asked for." } },
    headers: {
      ...(fault.retryAfter === undefined ? {} : { "retry-after": String(fault.retryAfter) }),
      ...fault.headers,
    },
  };
}
