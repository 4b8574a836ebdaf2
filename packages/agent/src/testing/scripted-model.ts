import { once } from "node:events";
import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import { WaybillError } from "@waybill/core";
import { answerMessages, apiError, sendJson } from "./answer-messages.ts";
import { faultMemory } from "./fault-memory.ts";
import type { FaultMemory } from "./fault-memory.ts";
import { readModelRequest } from "./model-request.ts";
import { nextReply } from "./next-reply.ts";
import { credentialOf, requestLog } from "./request-log.ts";
import type { LoggedRequest, RequestLog } from "./request-log.ts";
import { inputTokens } from "./token-counts.ts";

/** How to open a scripted model. */
export interface ScriptedModelOptions {
  /** The port on loopback. Default: 0, one that the system chooses. */
  readonly port?: number;
  /** A file to which every request is appended as a JSON line. Default: none. */
  readonly logFile?: string;
}

/** A stand-in for the Messages API. */
export interface ScriptedModel {
  /** What ANTHROPIC_BASE_URL is to be: `http://127.0.0.1:<port>`. */
  readonly url: string;
  /** Every request so far, oldest first. Grows while the model is open. */
  readonly requests: readonly LoggedRequest[];
  /** Breaks what is open and lets the port go. Safe to repeat. */
  close(): Promise<void>;
}

/**
 * Opens a model that plays the scripts in the messages that it gets. Resolves once it listens.
 * Throws `SCRIPTED_MODEL_PORT` where the port cannot be had.
 */
export async function scriptedModel(options: ScriptedModelOptions = {}): Promise<ScriptedModel> {
  const log = requestLog(options.logFile);
  const faults = faultMemory();
  const server = createServer((request, response) => {
    handle(request, response, { log, faults }).catch((error: unknown) => {
      sendJson(response, 500, apiError(500, `scripted model: ${String(error)}`));
    });
  });
  const port = await listen(server, options.port ?? 0);
  return {
    url: `http://127.0.0.1:${port}`,
    requests: log.requests,
    async close() {
      if (!server.listening) return;
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

async function listen(server: Server, port: number): Promise<number> {
  server.listen(port, "127.0.0.1");
  try {
    await once(server, "listening");
  } catch (cause) {
    throw new WaybillError(
      "SCRIPTED_MODEL_PORT",
      `The scripted model cannot listen on port ${port} of 127.0.0.1. Leave the port out to get a free one.`,
      { details: { port }, cause },
    );
  }
  const address = server.address();
  if (address === null || typeof address === "string") {
    throw new TypeError("A server that listens on a TCP port has an address.");
  }
  return address.port;
}

async function handle(
  request: IncomingMessage,
  response: ServerResponse,
  model: { readonly log: RequestLog; readonly faults: FaultMemory },
): Promise<void> {
  const path = new URL(request.url ?? "/", "http://localhost").pathname;
  const body = parsed(await text(request));
  const session = sessionOf(request, body);
  const note = (status: number, did: LoggedRequest["did"], played = 0): void => {
    const method = request.method ?? "";
    const credential = credentialOf(request.headers);
    model.log.add({ at: Date.now(), method, path, session, credential, body, status, did, played });
  };
  const call = readModelRequest(body);
  const known = path === "/v1/messages" || path === "/v1/messages/count_tokens";
  if (request.method !== "POST" || !known || call === null) {
    const status = known && request.method === "POST" ? 400 : 404;
    note(status, "refused");
    const what = status === 400 ? "is no request of the Messages API" : "is not offered";
    sendJson(
      response,
      status,
      apiError(status, `scripted model: ${request.method} ${path} ${what}`),
    );
    return;
  }
  if (path.endsWith("/count_tokens")) {
    note(200, "count");
    sendJson(response, 200, { input_tokens: inputTokens(body) });
    return;
  }
  const next = nextReply(call);
  await answerMessages({
    request: call,
    body,
    next,
    response,
    faults: model.faults,
    // A caller that names no session is told apart by how its conversation begins.
    place: `${session ?? JSON.stringify(call.messages[0])}/${next.played}`,
    log: (status, fault) => note(status, fault ? "fault" : next.from, next.played),
  });
}

/** The conversation that a request belongs to, as the agent's program names it. */
function sessionOf(request: IncomingMessage, body: unknown): string | null {
  const header = request.headers["x-claude-code-session-id"];
  if (typeof header === "string") return header;
  return readModelRequest(body)?.userId ?? null;
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return null; // The caller answers 400.
  }
}
