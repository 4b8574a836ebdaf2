import { createServer, request as httpRequest } from "node:http";
import type { IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import { text } from "node:stream/consumers";

/** What the proxy did to the requests. */
export type Mishap =
  | "none"
  | "drop before"
  | "drop after"
  | "late answer"
  | "late commit"
  | 429
  | 503;

/**
 * Stands between a client and a board, and at random drops a request before the board has it, drops
 * the answer, delays either past the client's patience, or answers itself that it is too busy.
 */
export async function badProxy(
  target: string,
  options: { readonly random: () => number; readonly lateMs: number },
): Promise<{
  readonly url: string;
  readonly mishaps: ReadonlyMap<Mishap, number>;
  close(): Promise<void>;
}> {
  const mishaps = new Map<Mishap, number>();
  const server = createServer(async (request, response) => {
    const body = await text(request);
    // Whether the board is there is asked once, by whoever starts.
    const isCheck = request.url?.endsWith("/health") === true;
    const mishap = isCheck ? "none" : mishapOf(options.random());
    mishaps.set(mishap, (mishaps.get(mishap) ?? 0) + 1);
    if (mishap === "drop before") return void response.destroy();
    if (mishap === 429 || mishap === 503) {
      return void response.writeHead(mishap, { "retry-after": "0" }).end("{}");
    }
    if (mishap === "late commit") await wait(options.lateMs);
    const answer = await forward(target, request, body);
    if (mishap === "drop after" || answer === null) return void response.destroy();
    if (mishap === "late answer") await wait(options.lateMs);
    response.writeHead(answer.status, answer.headers).end(answer.body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    mishaps,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function mishapOf(chance: number): Mishap {
  if (chance < 0.08) return "drop before";
  if (chance < 0.16) return "drop after";
  if (chance < 0.18) return "late answer";
  if (chance < 0.2) return "late commit";
  if (chance < 0.25) return 429;
  return chance < 0.3 ? 503 : "none";
}

function forward(
  target: string,
  request: IncomingMessage,
  body: string,
): Promise<{ status: number; headers: IncomingMessage["headers"]; body: string } | null> {
  return new Promise((resolve) => {
    const { host: _, ...headers } = request.headers;
    const url = new URL(request.url ?? "", target);
    const onward = httpRequest(url, { method: request.method, headers });
    onward.on("error", () => resolve(null));
    onward.on("response", async (answer) => {
      const { statusCode: status = 502, headers: said } = answer;
      resolve({ status, headers: said, body: await text(answer) });
    });
    onward.end(body);
  });
}
