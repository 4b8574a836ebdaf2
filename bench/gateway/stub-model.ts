import { createServer } from "node:http";
import type { ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/*
 * The model API's stand-in, in a process of its own as the real one is. `x-stainless-events` says how
 * many server-sent events to stream; each is a write of its own, as fast as they are taken.
 */
const event = `event: content_block_delta\ndata: ${JSON.stringify({
  type: "content_block_delta",
  index: 0,
  delta: { type: "text_delta", text: "a few tokens of text, as they come" },
})}\n\n`;

const server = createServer((request, response) => {
  request.resume();
  request.on("end", () => void stream(response, Number(request.headers["x-stainless-events"])));
});
server.listen(0, "127.0.0.1", () => {
  const { port } = server.address() as AddressInfo;
  process.send?.(port);
});
process.on("disconnect", () => process.exit(0));

async function stream(response: ServerResponse, events: number): Promise<void> {
  response.writeHead(200, { "content-type": "text/event-stream" });
  for (let sent = 0; sent < events; sent += 1) {
    if (!response.write(event)) await new Promise((resolve) => response.once("drain", resolve));
  }
  response.end();
}
