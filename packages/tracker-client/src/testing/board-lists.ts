import type { Board } from "./board.ts";
import type { TaskRow } from "./board-rows.ts";
import { refused } from "./exchange.ts";
import type { Answer, Exchange } from "./exchange.ts";

const usualLimit = 50;
const largestLimit = 1000;

/** Answers what only asks: a list, one of its items, or a part of that; null for any other route. */
export function boardLists(
  exchange: Exchange,
  board: Board,
  route: string,
  target: string,
): Answer | null {
  switch (route) {
    case "GET chats":
      return list(exchange, "chats", board.records.chats);
    case "GET tasks":
      return list(
        exchange,
        "tasks",
        ofClient(exchange, withFilters(exchange, board.records.tasks)),
      );
    case "GET tasks/:id":
      return { status: 200, body: board.task(target) };
    case "GET chats/:id/messages":
      return list(exchange, "messages", ofClient(exchange, board.messages(target)), true);
    case "GET tasks/:id/comments":
      return list(exchange, "comments", ofClient(exchange, board.comments(target)));
    case "GET tasks/:id/changes":
      return list(exchange, "changes", ofClient(exchange, board.changes(target)));
    default:
      return null;
  }
}

// A page after an id begins right behind it; without one, a chat shows its end and a list its start.
function list<Row extends { readonly id: string }>(
  exchange: Exchange,
  name: string,
  rows: readonly Row[],
  fromEnd = false,
): Answer {
  const asked = exchange.query.get("limit");
  const limit = asked === null ? usualLimit : Number(asked);
  if (!Number.isInteger(limit) || limit < 1 || limit > largestLimit) {
    return refused(422, "LIMIT_INVALID", `limit must be a whole number from 1 to ${largestLimit}.`);
  }
  const after = exchange.query.get("after");
  if (after === null) {
    return { status: 200, body: { [name]: fromEnd ? rows.slice(-limit) : rows.slice(0, limit) } };
  }
  const index = rows.findIndex((row) => row.id === after);
  if (index === -1) {
    return refused(422, "AFTER_INVALID", `There is no ${after} here to come after.`);
  }
  return { status: 200, body: { [name]: rows.slice(index + 1, index + 1 + limit) } };
}

function withFilters(exchange: Exchange, rows: readonly TaskRow[]): readonly TaskRow[] {
  const status = exchange.query.get("status");
  const assignedTo = exchange.query.get("assigned_to");
  const label = exchange.query.get("label");
  return rows.filter(
    (row) =>
      (status === null || row.status === status) &&
      (assignedTo === null || row.assigned_to === assignedTo) &&
      (label === null || row.labels.includes(label)),
  );
}

function ofClient<Row extends { readonly client_id: string | null }>(
  exchange: Exchange,
  rows: readonly Row[],
): readonly Row[] {
  const clientId = exchange.query.get("client_id");
  return clientId === null ? rows : rows.filter((row) => row.client_id === clientId);
}
