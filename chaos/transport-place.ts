import { fileURLToPath } from "node:url";
import type { Transport } from "@waybill/core";
import { dockerTransport } from "@waybill/transport-docker";
import { processTransport } from "@waybill/transport-process";
import type { TransportChaosOptions } from "./transport-options.ts";

/** The transport of this name, with the agent that talks: from source, in a container by a mount. */
export function transportPlace(name: TransportChaosOptions["transport"]): Transport {
  const repository = fileURLToPath(new URL("..", import.meta.url));
  const agent = (root: string): [string, ...string[]] => [
    "--conditions=@waybill/source",
    `${root}/chaos/transport-agent.ts`,
  ];
  if (name === "process") {
    return processTransport({ command: [process.execPath, ...agent(repository)] });
  }
  const at = "/repository";
  return dockerTransport({
    engine: name,
    image: "node:24-slim",
    build: `bash .ci/${name === "docker" ? "base-image" : "podman-engine"}.sh`,
    command: ["node", ...agent(at)],
    mounts: [{ host: repository, at }],
    namePrefix: "waybill-chaos",
  });
}
