import { fileURLToPath } from "node:url";
import type { Transport } from "@waybill/core";
import { dockerTransport, type DockerTransportOptions } from "@waybill/transport-docker";

/** The image that the raw agent runs in. */
export const rawImage = "node:24-slim";

/** The raw agent in a container, from this checkout. */
export function containedRawAgent(options: Partial<DockerTransportOptions> = {}): Transport {
  const repository = fileURLToPath(new URL("..", import.meta.url));
  const agent = "/repository/examples/raw-agent/agent.ts";
  return dockerTransport({
    image: rawImage,
    command: ["node", "--conditions=@waybill/source", agent],
    mounts: [{ host: repository, at: "/repository" }],
    ...options,
  });
}
