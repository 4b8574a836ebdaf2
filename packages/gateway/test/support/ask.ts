import { once } from "node:events";
import { request } from "node:http";
import type {
  ClientRequest,
  IncomingHttpHeaders,
  IncomingMessage,
  OutgoingHttpHeaders,
  RequestOptions,
} from "node:http";
import { connect } from "node:net";

/** A complete answer. */
export interface Answered {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

/** What a message request looks like. */
export const MESSAGE = JSON.stringify({ model: "claude-test", messages: [], stream: true });

/** Asks through a unix socket, as the run would. */
export async function ask(
  socketPath: string,
  options: RequestOptions & { readonly body?: string | Buffer } = {},
): Promise<Answered> {
  const { call, answer } = await begin(socketPath, options);
  const text = await textOf(answer);
  call.destroy();
  return { status: answer.statusCode ?? 0, headers: answer.headers, text };
}

/** Asks, and resolves with the answer's head; its body is still to come. */
export async function begin(
  socketPath: string,
  options: RequestOptions & { readonly body?: string | Buffer } = {},
): Promise<{ call: ClientRequest; answer: IncomingMessage }> {
  const { body = MESSAGE, ...rest } = options;
  const call = request({
    socketPath,
    method: "POST",
    path: "/v1/messages?beta=true",
    ...rest,
    headers: { "x-api-key": "placeholder", ...(rest.headers as OutgoingHttpHeaders | undefined) },
  });
  call.end(body);
  const [answer] = (await once(call, "response")) as [IncomingMessage];
  return { call, answer };
}

/** The rest of an answer. Throws where it breaks off. */
export async function textOf(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of answer) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}

/** Writes bytes of our own making, and resolves with all that comes back until the connection ends. */
export async function rawExchange(socketPath: string, ...writes: string[]): Promise<string> {
  const socket = connect(socketPath);
  const chunks: Buffer[] = [];
  socket.on("data", (chunk) => chunks.push(chunk));
  socket.on("error", () => socket.destroy());
  for (const text of writes) socket.write(text);
  await once(socket, "close");
  return Buffer.concat(chunks).toString("utf8");
}
