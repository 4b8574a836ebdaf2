import { once } from "node:events";
import { createServer } from "node:http";
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** What the stub was asked. */
export interface Asked {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** A real HTTP server in the model API's place. */
export interface StubUpstream extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** Complete requests so far. */
  readonly asked: Asked[];
  /** Requests whose client left before the answer was complete. */
  readonly abandoned: () => number;
  readonly connections: () => Promise<number>;
}

type Answer = (response: ServerResponse, asked: Asked, request: IncomingMessage) => void;

/** Starts a stub on a free port; without an answer of its own it streams a short message. */
export async function stubUpstream(answer: Answer = streamMessage): Promise<StubUpstream> {
  const asked: Asked[] = [];
  let abandoned = 0;
  const server = createServer((request, response) => {
    response.on("close", () => {
      if (!response.writableFinished) abandoned += 1;
    });
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const entry = {
        method: request.method ?? "",
        url: request.url ?? "",
        headers: request.headers,
        body: Buffer.concat(chunks).toString("utf8"),
      };
      asked.push(entry);
      answer(response, entry, request);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    asked,
    abandoned: () => abandoned,
    connections: () =>
      new Promise((resolve, reject) => {
        server.getConnections((error, count) => (error === null ? resolve(count) : reject(error)));
      }),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** One server-sent event of the Messages API. */
export function sse(type: string, data: object = {}): string {
  return `event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`;
}

/** A whole streamed message that says `text`. */
export function messageEvents(text: string): string[] {
  const usage = { input_tokens: 3, output_tokens: 1 };
  const message = { id: "msg_1", type: "message", role: "assistant", model: "m", content: [] };
  return [
    sse("message_start", { message: { ...message, stop_reason: null, usage } }),
    sse("content_block_start", { index: 0, content_block: { type: "text", text: "" } }),
    sse("content_block_delta", { index: 0, delta: { type: "text_delta", text } }),
    sse("content_block_stop", { index: 0 }),
    sse("message_delta", { delta: { stop_reason: "end_turn" }, usage: { output_tokens: 3 } }),
    sse("message_stop"),
  ];
}

function streamMessage(response: ServerResponse): void {
  response.writeHead(200, { "content-type": "text/event-stream", "request-id": "req_stub" });
  for (const event of messageEvents("hello")) response.write(event);
  response.end();
}
