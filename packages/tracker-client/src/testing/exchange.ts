import { createHash } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";

/** The largest request body that is read. */
const bodyBytes = 1024 * 1024;

/** A request, read to its end. */
export interface Exchange {
  readonly method: string;
  readonly path: string;
  /** The path's segments, decoded. */
  readonly segments: readonly string[];
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
  readonly key: string | null;
  /** Of method, path and body: what one Idempotency-Key may stand for. */
  readonly digest: string;
}

/** What is answered. */
export interface Answer {
  readonly status: number;
  /** Sent as JSON; a string is sent as it is. */
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Reads a request to its end, or gives the refusal of one that cannot be read. */
export async function readExchange(request: IncomingMessage): Promise<Exchange | Answer> {
  const chunks: Buffer[] = [];
  let length = 0;
  // Without `destroyOnReturn: false`, leaving the loop early would cut the connection unanswered.
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > bodyBytes) {
      const answer = refused(413, "BODY_TOO_LARGE", `A body has at most ${bodyBytes} bytes.`);
      return { ...answer, headers: { connection: "close" } };
    }
    chunks.push(chunk);
  }
  const url = URL.parse(request.url ?? "", "http://board");
  const segments = url === null ? null : decoded(url.pathname);
  if (url === null || segments === null) {
    return refused(400, "PATH_INVALID", "The path cannot be decoded.");
  }
  const method = request.method ?? "GET";
  const body = Buffer.concat(chunks).toString("utf8");
  const key = request.headers["idempotency-key"];
  return {
    method,
    path: url.pathname,
    segments,
    query: url.searchParams,
    headers: request.headers,
    body,
    key: typeof key === "string" && key !== "" ? key : null,
    digest: createHash("sha256").update(`${method} ${url.pathname}\n${body}`).digest("hex"),
  };
}

/** A refusal in the board's own shape. */
export function refused(status: number, code: string, message: string): Answer {
  return { status, body: { error: { code, message } } };
}

/** Sends the answer. */
export function reply(response: ServerResponse, answer: Answer): void {
  const text = typeof answer.body === "string" ? answer.body : JSON.stringify(answer.body);
  response.writeHead(answer.status, {
    "content-type":
      typeof answer.body === "string" ? "text/html" : "application/json; charset=utf-8",
    ...(text === undefined ? {} : { "content-length": String(Buffer.byteLength(text)) }),
    ...answer.headers,
  });
  response.end(text);
}

function decoded(path: string): readonly string[] | null {
  try {
    return path.split("/").slice(1).map(decodeURIComponent);
  } catch {
    return null;
  }
}
