import { Agent, request } from "node:http";
import type { RequestOptions } from "node:http";

/** What one request took. */
export interface Exchange {
  /** From the call to the first byte of the answer's body, in milliseconds. */
  readonly firstByteMs: number;
  readonly megabytesPerSecond: number;
}

/** Asks the model for so many events. */
export type Ask = (events: number) => Promise<Exchange>;

/** A request as the SDK's: its system prompt and tools alone are some 40 kB. */
const BODY = JSON.stringify({ model: "claude-bench", system: "x".repeat(42_000), stream: true });

/** Makes asks over one kept connection: to an address, or through a socket. */
export function asker(where: Pick<RequestOptions, "host" | "port" | "socketPath">): Ask {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  return (events) =>
    new Promise((resolve, reject) => {
      const begun = performance.now();
      let firstByteMs = Number.NaN;
      let bytes = 0;
      const call = request({
        ...where,
        agent,
        method: "POST",
        path: "/v1/messages",
        headers: { "x-api-key": "placeholder", "x-stainless-events": events },
      });
      call.on("error", reject);
      call.on("response", (answer) => {
        answer.on("data", (chunk: Buffer) => {
          if (bytes === 0) firstByteMs = performance.now() - begun;
          bytes += chunk.length;
        });
        answer.on("error", reject);
        answer.on("end", () => {
          const ms = performance.now() - begun;
          if (answer.statusCode !== 200) reject(new Error(`The answer is a ${answer.statusCode}.`));
          else resolve({ firstByteMs, megabytesPerSecond: bytes / 1_000 / ms });
        });
      });
      call.end(BODY);
    });
}
