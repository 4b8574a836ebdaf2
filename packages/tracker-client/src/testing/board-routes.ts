import type { Board } from "./board.ts";
import { boardLists } from "./board-lists.ts";
import type { BoardRecord } from "./board-rows.ts";
import { boardWrite } from "./board-writes.ts";
import type { Write } from "./board-writes.ts";
import { eventPage } from "./event-page.ts";
import { refused } from "./exchange.ts";
import type { Answer, Exchange } from "./exchange.ts";

/** Answers what the board is asked, and does what it is told: once per key, where keys count. */
export function boardAnswer(
  exchange: Exchange,
  board: Board,
  { keys, sockets }: { readonly keys: boolean; readonly sockets: boolean },
): Answer {
  const [api, version, collection = "", target, ...part] = exchange.segments;
  const route = [
    `${exchange.method} ${collection}`,
    ...(target === undefined ? [] : [":id"]),
    ...part,
  ].join("/");
  if (api !== "api" || version !== "v1") {
    return noRoute(exchange);
  }
  if (route === "GET health") {
    const body = { status: "ok", authenticated: true, idempotency_keys: keys, keys_kept_ms: null };
    return { status: 200, body };
  }
  if (route === "GET events") {
    return eventPage(board.events, exchange.query, sockets);
  }
  if (target !== undefined && collection === "chats" && board.chat(target) === undefined) {
    return refused(404, "CHAT_NOT_FOUND", `There is no chat ${target}.`);
  }
  if (target !== undefined && collection === "tasks" && board.task(target) === undefined) {
    return refused(404, "TASK_NOT_FOUND", `There is no task ${target}.`);
  }
  const write = boardWrite(exchange, board, route, target ?? "");
  return write === null
    ? (boardLists(exchange, board, route, target ?? "") ?? noRoute(exchange))
    : once(exchange, board, keys, write);
}

// One synchronous step from the look at the key to the commit: no second request comes in between.
function once(exchange: Exchange, board: Board, keys: boolean, write: Write): Answer {
  const under =
    exchange.key === null || !keys ? null : { key: exchange.key, digest: exchange.digest };
  const state = under === null ? null : board.keyState(under);
  if (state === "another") {
    return refused(409, "KEY_REUSED", "This Idempotency-Key stands for another request.");
  }
  if (state !== null && under !== null) {
    board.absorb(under);
    return { ...done(state.record), headers: { "idempotency-replayed": "true" } };
  }
  const outcome = write();
  return "commit" in outcome ? done(board.commit(outcome.commit, under ?? undefined)) : outcome;
}

function done(record: BoardRecord): Answer {
  if (record.kind === "change") {
    return { status: 200, body: record.task };
  }
  return { status: 201, body: record.kind === "absorbed" ? {} : record.row };
}

function noRoute(exchange: Exchange): Answer {
  return refused(404, "NO_ROUTE", `There is no ${exchange.method} ${exchange.path}.`);
}
