/** A connection to a board's events. */
export interface EventSocket {
  /** The next text; null once the connection is over. */
  next(): Promise<string | null>;
  /** Sends a text; does nothing once the connection is over. */
  send(text: string): void;
  /** From now on, so much silence ends the connection, in milliseconds. */
  expectEvery(silenceMs: number): void;
  close(): void;
}

/** How to connect. */
export interface EventSocketOptions {
  /** With its query; the token is never in it. */
  readonly url: string;
  readonly token: string;
  /** So much silence ends the connection, from the first moment on, in milliseconds. */
  readonly silenceMs: number;
  /** A longer text ends the connection, and so does a backlog of so many characters. */
  readonly mostCharacters: number;
  readonly signal: AbortSignal;
}

/**
 * Connects. The one file that knows WebSocket, Node's own client, which takes headers: so the token
 * travels as it does elsewhere. Whatever goes wrong ends the connection and says no more: a browser's
 * rule, which Node follows, keeps the reason from us, and whoever wants it asks over HTTP.
 */
export function eventSocket(options: EventSocketOptions): EventSocket {
  const texts: string[] = [];
  let held = 0;
  let over = false;
  let bell = Promise.withResolvers<void>();
  const ring = (): void => {
    bell.resolve();
    bell = Promise.withResolvers();
  };
  const socket = new WebSocket(options.url, {
    headers: { authorization: `Bearer ${options.token}`, "user-agent": "waybill" },
  });
  const end = (): void => {
    if (over) return;
    over = true;
    clearTimeout(silence);
    options.signal.removeEventListener("abort", end);
    socket.close();
    ring();
  };
  let silence = setTimeout(end, options.silenceMs);
  socket.addEventListener("message", ({ data }) => {
    if (over) return;
    silence.refresh();
    const text = typeof data === "string" ? data : "";
    held += text.length;
    texts.push(text);
    if (held > options.mostCharacters) end();
    ring();
  });
  socket.addEventListener("error", end);
  socket.addEventListener("close", end);
  options.signal.addEventListener("abort", end);
  if (options.signal.aborted) end();

  return {
    async next() {
      while (texts.length === 0 && !over) await bell.promise;
      const text = texts.shift() ?? null;
      held -= text?.length ?? 0;
      return text;
    },
    send: (text) => {
      if (!over && socket.readyState === WebSocket.OPEN) socket.send(text);
    },
    expectEvery: (ms) => {
      if (over) return;
      clearTimeout(silence);
      silence = setTimeout(end, ms);
    },
    close: end,
  };
}
