import { isWaybillError } from "@waybill/core";
import type { JsonObject, Logger } from "@waybill/core";
import ky from "ky";
import { readBody } from "./bounded-body.ts";
import { callDeadline, unlessAborted } from "./call-deadline.ts";
import { connectionFailure } from "./connection-failure.ts";
import { retryAfterMs } from "./retry-after.ts";
import type { TokenReader } from "./token-source.ts";
import { withoutSecrets } from "./tracker-url.ts";

/** A request as the rest of this package sees it. */
export interface HttpRequest {
  readonly method: "GET" | "POST" | "PATCH";
  /** Without a slash at its start; every id in it is checked. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: JsonObject;
  /** The Idempotency-Key; every write has one. */
  readonly key?: string;
}

/** An answer as the rest of this package sees it. */
export interface HttpAnswer {
  readonly status: number;
  /** The whole body of a 2xx; the beginning of any other, with the token cut out. */
  readonly text: string;
  /** What `Retry-After` asks for; null where it asks for nothing. */
  readonly retryAfterMs: number | null;
  /** Where a redirect leads, without its query. */
  readonly location: string | null;
  /** Whether the board says that it answered this key before. */
  readonly replayed: boolean;
}

/** How to reach the board. */
export interface HttpClientOptions {
  /** Checked, without a slash at its end. */
  readonly url: string;
  readonly token: TokenReader;
  /** For the whole call, from the token to the last byte of the answer. */
  readonly timeoutMs: number;
  /** The largest body of a 2xx that is read. */
  readonly maxResponseBytes: number;
  readonly logger: Logger | undefined;
}

/** Sends one request; throws a `WaybillError` where no complete answer came. */
export type HttpClient = (request: HttpRequest, signal?: AbortSignal) => Promise<HttpAnswer>;

/** The one file that knows ky. No retries here: they belong to the orchestrator, which records them. */
export function httpClient(options: HttpClientOptions): HttpClient {
  const http = ky.create({
    prefix: options.url,
    retry: 0,
    timeout: false,
    throwHttpErrors: false,
    redirect: "manual",
    headers: { accept: "application/json", "user-agent": "waybill" },
  });

  const exchange = async (
    request: HttpRequest,
    token: string,
    signal: AbortSignal,
  ): Promise<HttpAnswer> => {
    const response = await http(request.path, {
      method: request.method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(request.key === undefined ? {} : { "idempotency-key": request.key }),
      },
      ...(request.query === undefined ? {} : { searchParams: { ...request.query } }),
      ...(request.body === undefined ? {} : { json: request.body }),
      signal,
    });
    return answerOf(response, request, token, options);
  };

  return async (request, signal) => {
    const deadline = callDeadline(options.timeoutMs, signal);
    const startedAt = performance.now();
    let sent = false;
    try {
      let token = await unlessAborted(options.token(), deadline.signal);
      deadline.signal.throwIfAborted();
      sent = true;
      let answer = await exchange(request, token, deadline.signal);
      if (answer.status === 401) {
        // The token may have been rotated between reading and using it. A 401 did nothing, so one
        // more call with the new one is safe; without it the operation would be given up for good.
        const used = token;
        token = await unlessAborted(options.token(), deadline.signal);
        answer = token === used ? answer : await exchange(request, token, deadline.signal);
      }
      tell(options.logger, "The Tracker answered.", request, startedAt, { status: answer.status });
      return answer;
    } catch (error) {
      const failure = isWaybillError(error)
        ? error
        : connectionFailure(error, {
            url: options.url,
            request,
            sent,
            endedBy: deadline.endedBy(),
            timeoutMs: options.timeoutMs,
          });
      tell(options.logger, "The Tracker gave no answer.", request, startedAt, {
        code: failure.code,
      });
      throw failure;
    } finally {
      deadline.release();
    }
  };
}

async function answerOf(
  response: Response,
  request: HttpRequest,
  token: string,
  options: HttpClientOptions,
): Promise<HttpAnswer> {
  const location = response.headers.get("location");
  const text = await readBody(response, request, options);
  return {
    status: response.status,
    text: response.ok ? text : text.replaceAll(token, "…"),
    retryAfterMs: retryAfterMs(response.headers.get("retry-after"), response.headers.get("date")),
    location: location === null ? null : withoutSecrets(location).replaceAll(token, "…"),
    replayed: response.headers.get("idempotency-replayed")?.trim().toLowerCase() === "true",
  };
}

function tell(
  logger: Logger | undefined,
  message: string,
  request: HttpRequest,
  startedAt: number,
  outcome: Readonly<Record<string, unknown>>,
): void {
  try {
    logger?.debug(message, {
      method: request.method,
      path: request.path,
      ...(request.key === undefined ? {} : { key: request.key }),
      ...outcome,
      tookMs: Math.round(performance.now() - startedAt),
    });
  } catch {
    // A logger that throws is ignored (see the Logger port): the call's outcome must not depend on it.
  }
}
