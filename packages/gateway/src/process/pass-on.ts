import type {
  IncomingHttpHeaders,
  IncomingMessage,
  OutgoingHttpHeaders,
  ServerResponse,
} from "node:http";
import type { Refusal } from "./api-error.ts";
import type { Flight } from "./flight.ts";
import { answerRefusal } from "./refuse.ts";

/** An answer of the upstream, and what is done with it on its way. */
export interface PassOnOptions {
  readonly answer: IncomingMessage;
  readonly response: ServerResponse;
  readonly flight: Flight;
  readonly headers: (upstream: IncomingHttpHeaders) => OutgoingHttpHeaders;
  /** Looks at each piece before it goes on; a refusal breaks the answer off. */
  readonly look: (bytes: Buffer) => Refusal | null;
  /** Called when all of it has come, before the run sees its end. */
  readonly ended: () => void;
}

/**
 * Streams the upstream's answer to the run as it comes. False where its head cannot be handed on;
 * then nothing was.
 *
 * Hundreds of small server-sent events may arrive in one read, each a piece of its own. Taken with
 * `read` they come and are written together as soon as that read is taken apart: nothing waits, and
 * a write for each more than halved the throughput (bench/gateway.ts).
 */
export function passOn(options: PassOnOptions): boolean {
  const { answer, response, flight, look, ended } = options;
  if (!sendHead(options)) return false;
  flight.status = answer.statusCode ?? null;
  flight.upstreamId = requestId(answer);

  let blocked = false;
  const pass = (): void => {
    if (blocked || response.destroyed) return;
    const bytes: Buffer | null = answer.read();
    if (bytes === null) return;
    flight.responseBytes += bytes.length;
    const refusal = look(bytes);
    if (refusal !== null) return answerRefusal(response, flight, refusal, "close");
    if (response.write(bytes)) return;
    blocked = true;
    response.once("drain", () => {
      blocked = false;
      pass();
    });
  };
  answer.on("readable", pass);
  answer.on("end", () => {
    ended();
    response.end();
  });
  return true;
}

function sendHead({ answer, response, headers }: PassOnOptions): boolean {
  const status = answer.statusCode ?? 0;
  if (status < 200 || status > 599) return false;
  try {
    response.writeHead(status, headers(answer.headers));
  } catch {
    return false; // A header that Node's parser took and its server does not send.
  }
  response.flushHeaders();
  return true;
}

function requestId(answer: IncomingMessage): string | null {
  const id = answer.headers["request-id"];
  return typeof id === "string" ? id.slice(0, 128) : null;
}
