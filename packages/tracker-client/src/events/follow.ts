import { isWaybillError } from "@waybill/core";
import type { Logger, SubscribeOptions, TrackerEvent } from "@waybill/core";
import type { HttpClient } from "../http-client.ts";
import { jsonOr } from "../server-said.ts";
import type { TokenReader } from "../token-source.ts";
import { askForEvents } from "./ask-for-events.ts";
import { socketWord } from "./event-shapes.ts";
import type { SocketWord } from "./event-shapes.ts";
import { eventSocket } from "./event-socket.ts";
import { inOrder } from "./in-order.ts";
import type { InOrder } from "./in-order.ts";
import { pause, waitBefore } from "./pause.ts";

/** How to follow a board's events; all times in milliseconds. */
export interface FollowOptions {
  /** Whether to try a WebSocket. Default: true; else the board is asked again and again. */
  readonly socket?: boolean;
  /** How often a board without WebSocket is asked. Default: 2,000. */
  readonly pollMs?: number;
  /** So much silence before the board's greeting ends a connection. Default: 30,000. */
  readonly silenceMs?: number;
  /** The first wait before connecting again; doubles with each failure, with jitter. Default: 250. */
  readonly reconnectMs?: number;
  /** The longest wait before connecting again. Default: 30,000. */
  readonly reconnectCapMs?: number;
}

/** What following needs. */
export interface FollowParts {
  /** The board's base address, checked. */
  readonly url: string;
  readonly token: TokenReader;
  readonly client: HttpClient;
  readonly maxResponseBytes: number;
  readonly logger: Logger | undefined;
  readonly options: Required<FollowOptions>;
}

/** After so many connections in a row that nobody greeted, a board is only asked for a while. */
const misses = 3;
const onlyAskMs = 60_000;
/** How many events are taken before the board is told. */
const acknowledgeEvery = 32;

/**
 * The board's events after a cursor, each once and in order: over WebSocket, and by asking where no
 * connection comes about. Asking is also how the reason is learned, which a WebSocket keeps from us.
 */
export async function* follow(
  parts: FollowParts,
  { after, signal }: SubscribeOptions,
): AsyncGenerator<TrackerEvent, void, undefined> {
  const { options } = parts;
  const order = inOrder(after);
  let failures = 0;
  let missed = 0;
  let socketFrom = options.socket ? 0 : Infinity;
  while (!signal.aborted) {
    if (performance.now() >= socketFrom) {
      const heard = yield* overSocket(parts, order, signal);
      order.dropWaiting();
      if (heard !== "nothing") {
        missed = 0;
        failures = heard === "events" ? 0 : failures + 1;
        await pause(waitBefore(failures, options), signal);
        continue;
      }
      missed += 1;
    }
    const asked = yield* askForEvents(parts, order, signal);
    if (signal.aborted) return;
    if (asked.type === "failed") {
      parts.logger?.warn("The Tracker's events cannot be had for now.", { code: asked.code });
      failures += 1;
      await pause(Math.max(waitBefore(failures, options), asked.retryAfterMs), signal);
      continue;
    }
    failures = 0;
    if (asked.websocket === false || missed >= misses) {
      socketFrom = options.socket ? performance.now() + onlyAskMs : Infinity;
      missed = 0;
    }
    const willTry = performance.now() >= socketFrom;
    await pause(willTry ? waitBefore(missed, options) : jittered(options.pollMs), signal);
  }
}

/** Whether the board greeted us, and told anything. */
type Heard = "nothing" | "greeting" | "events";

async function* overSocket(
  parts: FollowParts,
  order: InOrder,
  signal: AbortSignal,
): AsyncGenerator<TrackerEvent, Heard, undefined> {
  const token = await tokenOrNull(parts);
  if (token === null) return "nothing";
  const query = order.last === null ? "" : `?after=${encodeURIComponent(order.last)}`;
  const socket = eventSocket({
    url: `${parts.url.replace(/^http/, "ws")}/api/v1/events${query}`,
    token,
    silenceMs: parts.options.silenceMs,
    mostCharacters: parts.maxResponseBytes,
    signal,
  });
  let heard: Heard = "nothing";
  let taken = 0;
  try {
    for (let text = await socket.next(); text !== null; text = await socket.next()) {
      const word = wordIn(text);
      if (word === null) {
        parts.logger?.warn("The Tracker told an event that nobody can read.", {
          beginning: text.replaceAll(token, "…").slice(0, 80),
        });
        return heard;
      }
      switch (word.type) {
        case "hello":
          heard = "greeting";
          order.beginAt(word.after);
          socket.expectEvery(word.heartbeatMs * 2.5 + 1_000);
          break;
        case "event":
          heard = "events";
          for (const event of order.offer(word.told)) {
            yield event;
            taken += 1;
          }
          if (taken >= acknowledgeEvery) {
            taken = 0;
            socket.send(JSON.stringify({ type: "ack", cursor: order.last }));
          }
          break;
        case "heartbeat":
          // What was sent and has not come by now is lost: it is asked for again.
          if (order.waits || (word.cursor !== undefined && word.cursor !== order.last)) {
            return heard;
          }
          heard = "events";
          break;
        case "other":
          break;
      }
    }
    return heard;
  } finally {
    socket.close();
  }
}

function wordIn(text: string): SocketWord | null {
  const parsed = socketWord.safeParse(jsonOr(text, undefined));
  return parsed.success ? parsed.data : null;
}

// Without a token there is no connection; asking then fails in the same way, and says why.
async function tokenOrNull({ token }: FollowParts): Promise<string | null> {
  try {
    return await token();
  } catch (error) {
    if (isWaybillError(error)) return null;
    throw error;
  }
}

function jittered(ms: number): number {
  return ms * (0.8 + Math.random() * 0.4);
}
