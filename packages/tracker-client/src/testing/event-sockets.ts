import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { WebSocket, WebSocketServer } from "ws";
import type { Board } from "./board.ts";
import type { EventRow } from "./board-events.ts";
import { standOf } from "./event-page.ts";
import type { Fault } from "./fault-switch.ts";

/** How many events a client may have that it did not acknowledge yet. */
const windowSize = 256;

/** The board's followers over WebSocket. The one file that knows `ws`. */
export interface EventSockets {
  /** Takes a connection over that was allowed in; `after` is a cursor that the board gave. */
  accept(request: IncomingMessage, socket: Duplex, head: Buffer, after: string | null): void;
  /** Cuts every follower's connection, without a goodbye. Gives their number. */
  cut(): number;
}

/** Tells followers what happens on the board, with the faults that are set for events. */
export function eventSockets(
  board: Board,
  options: { readonly heartbeatMs: number; readonly hits: () => readonly Fault[] },
): EventSockets {
  const server = new WebSocketServer({ noServer: true, maxPayload: 4096 });
  return {
    accept: (request, socket, head, after) => {
      server.handleUpgrade(request, socket, head, (client) =>
        follow(client, board, after, options),
      );
    },
    cut: () => {
      const followers = [...server.clients];
      followers.forEach((client) => client.terminate());
      return followers.length;
    },
  };
}

function follow(
  client: WebSocket,
  board: Board,
  after: string | null,
  options: { readonly heartbeatMs: number; readonly hits: () => readonly Fault[] },
): void {
  let sent = standOf(board.events, after) ?? 0;
  let acknowledged = sent;
  let alive = true;

  const send = (message: unknown): void => client.send(JSON.stringify(message));
  const tell = (): void => {
    while (client.readyState === WebSocket.OPEN && sent < board.events.length) {
      if (sent - acknowledged >= windowSize) {
        return;
      }
      const hit = options.hits();
      const batch = misordered(board.events.slice(sent, sent + 2), hit);
      sent += batch.told;
      batch.rows.forEach((event) => send({ type: "event", event }));
      if (hit.some(({ do: does }) => does === "cut_events")) {
        client.terminate();
      }
    }
  };
  const off = board.onEvent(tell);
  const heart = setInterval(() => {
    if (!alive) {
      client.terminate();
      return;
    }
    alive = false;
    client.ping();
    send({ type: "heartbeat", cursor: board.events[sent - 1]?.cursor ?? null });
  }, options.heartbeatMs);

  client.on("pong", () => {
    alive = true;
  });
  client.on("message", (data) => {
    acknowledged = Math.max(acknowledged, standOf(board.events, cursorIn(String(data))) ?? 0);
    tell();
  });
  client.on("close", () => {
    clearInterval(heart);
    off();
  });
  // A connection that breaks is no matter for the board: its "close" follows.
  client.on("error", () => client.terminate());

  send({ type: "hello", heartbeat_ms: options.heartbeatMs, after });
  tell();
}

/** What is sent next: an event, or with faults the same one twice, or the next two swapped. */
function misordered(
  next: readonly EventRow[],
  hit: readonly Fault[],
): { readonly rows: readonly EventRow[]; readonly told: number } {
  const does = new Set(hit.map((fault) => fault.do));
  const told = does.has("reorder_event") ? next.length : 1;
  const ordered = next.slice(0, told);
  const rows = does.has("reorder_event") ? ordered.toReversed() : ordered;
  return { rows: does.has("duplicate_event") ? [...rows, ...rows] : rows, told };
}

function cursorIn(text: string): string {
  try {
    const message: unknown = JSON.parse(text);
    const cursor =
      typeof message === "object" && message !== null && "cursor" in message ? message.cursor : "";
    return typeof cursor === "string" && cursor !== "" ? cursor : "none";
  } catch {
    // A follower that says nothing sensible acknowledges nothing.
    return "none";
  }
}
