import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { TrackerCall, TrackerOperation } from "@waybill/core";
import { httpTracker } from "@waybill/tracker-client";
import type { HttpTrackerOptions } from "@waybill/tracker-client";
import { referenceTracker } from "@waybill/tracker-client/testing";
import type { ReferenceTracker, ReferenceTrackerOptions } from "@waybill/tracker-client/testing";
import { onTestFinished } from "vitest";

/** A reference Tracker that ends with the test, and a client for it. */
export async function boardWithClient(
  options: ReferenceTrackerOptions & { readonly client?: Partial<HttpTrackerOptions> } = {},
) {
  const { client, ...boardOptions } = options;
  const board = await referenceTracker(boardOptions);
  onTestFinished(() => board.close());
  return { board, tracker: clientOf(board, client) };
}

/** A client of a board. */
export function clientOf(
  board: Pick<ReferenceTracker, "url" | "token">,
  options: Partial<HttpTrackerOptions> = {},
) {
  return httpTracker({ url: board.url, token: board.token, timeoutMs: 5_000, ...options });
}

/** A request as a foreign board received it. */
export interface Received {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

/** A board that is not ours: it records what it gets and answers as the test says. */
export async function foreignBoard(
  answer: (request: Received, response: ServerResponse, count: number) => void,
): Promise<{ readonly url: string; readonly token: string; readonly received: Received[] }> {
  const received: Received[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) {
      chunks.push(chunk as Buffer);
    }
    const entry = {
      method: request.method ?? "",
      url: request.url ?? "",
      headers: request.headers,
      body: Buffer.concat(chunks).toString("utf8"),
    };
    received.push(entry);
    answer(entry, response, received.length);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(
    () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  );
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    token: "foreign-token",
    received,
  };
}

/** Answers with JSON. */
export function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}

let made = 0;

/** A call of the agent "Кодер" under a new key, or the one that is given. */
export function callOf(operation: TrackerOperation, key?: string): TrackerCall {
  made += 1;
  return { key: key ?? `task-42/run-${made}/7`, operation, by: { slug: "coder", name: "Кодер" } };
}

/** A message to the chat `general`. */
export function message(content: string, key?: string): TrackerCall {
  return callOf({ type: "chat.send", chat: "general", content }, key);
}
