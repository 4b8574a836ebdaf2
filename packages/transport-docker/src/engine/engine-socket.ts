import { request as httpRequest } from "node:http";
import type { ClientRequest, IncomingMessage } from "node:http";
import { createInterface } from "node:readline";
import type { Following } from "./command.ts";

/** What the engine answered. */
export interface EngineAnswer {
  readonly status: number;
  readonly body: string;
}

/** The engine's API on a unix socket: the one place that knows that it is HTTP. */
export interface EngineSocket {
  /** Throws the system's error where the engine does not answer, and the signal's reason once it aborts. */
  ask(method: string, path: string, options: AskOptions): Promise<EngineAnswer>;
  /** Reads an answer that goes on, line by line. */
  follow(path: string, onLine: (line: string) => void): Following;
}

/** What goes along with a question. */
export interface AskOptions {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  /** Sent as JSON. */
  readonly body?: unknown;
}

/** The API behind this path of a unix socket. */
export function engineSocket(path: string): EngineSocket {
  // A connection of its own for each: it costs a tenth of a millisecond, and none can have gone
  // stale when the engine was restarted.
  const open = (method: string, target: string, headers: Readonly<Record<string, string>> = {}) =>
    httpRequest({ socketPath: path, method, path: target, headers, agent: false });
  return {
    ask: async (method, target, { timeoutMs, signal, body }) => {
      signal?.throwIfAborted();
      const json = body === undefined ? null : Buffer.from(JSON.stringify(body));
      const sent = open(method, target, json === null ? {} : jsonHeaders(json));
      const stop = (): void => void sent.destroy();
      signal?.addEventListener("abort", stop);
      const timer = setTimeout(() => sent.destroy(new TimedOut(path)), timeoutMs);
      try {
        return await answerOf(sent, json);
      } catch (error) {
        signal?.throwIfAborted();
        throw error;
      } finally {
        clearTimeout(timer);
        signal?.removeEventListener("abort", stop);
      }
    },
    follow: (target, onLine) => {
      const sent = open("GET", target);
      const ended = readLines(sent, onLine);
      return { ended, stop: () => void sent.destroy() };
    },
  };
}

/** The engine took the question and gave no answer in time. */
class TimedOut extends Error {
  readonly code = "ETIMEDOUT";
  constructor(path: string) {
    super(`The engine on ${path} did not answer in time.`);
  }
}

function jsonHeaders(json: Buffer): Readonly<Record<string, string>> {
  return { "content-type": "application/json", "content-length": String(json.length) };
}

async function answerOf(sent: ClientRequest, json: Buffer | null): Promise<EngineAnswer> {
  const answer = await responseOf(sent, json);
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(chunk as Buffer);
  return { status: answer.statusCode ?? 0, body: Buffer.concat(chunks).toString("utf8") };
}

function responseOf(sent: ClientRequest, json: Buffer | null): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    sent.once("response", resolve);
    sent.on("error", reject);
    sent.end(json ?? undefined);
  });
}

async function readLines(sent: ClientRequest, onLine: (line: string) => void): Promise<void> {
  try {
    const answer = await responseOf(sent, null);
    for await (const line of createInterface({ input: answer })) onLine(line);
  } catch {
    // However it ended, it is over: whoever follows looks again and reconnects.
  } finally {
    sent.destroy();
  }
}
