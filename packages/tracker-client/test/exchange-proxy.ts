import { createServer, request as httpRequest } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

/** A question and its answer, as they went by. */
export interface SeenExchange {
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly requestBody: unknown;
  readonly status: number;
  readonly responseBody: unknown;
}

/** Stands between a client and a board, and notes everything that they say. */
export async function exchangeProxy(target: string): Promise<{
  readonly url: string;
  readonly exchanges: readonly SeenExchange[];
  close(): Promise<void>;
}> {
  const exchanges: SeenExchange[] = [];
  const server = createServer(async (request, response) => {
    const asked = await text(request);
    const url = new URL(request.url ?? "", target);
    const { host: _, ...headers } = request.headers;
    const onward = httpRequest(url, { method: request.method, headers, agent: false });
    onward.on("response", async (answer) => {
      const said = await text(answer);
      exchanges.push({
        method: request.method ?? "",
        path: url.pathname,
        query: Object.fromEntries(url.searchParams),
        requestBody: asked === "" ? null : JSON.parse(asked),
        status: answer.statusCode ?? 0,
        responseBody: JSON.parse(said),
      });
      response.writeHead(answer.statusCode ?? 502, answer.headers).end(said);
    });
    onward.on("error", () => response.destroy());
    onward.end(asked);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    exchanges,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
