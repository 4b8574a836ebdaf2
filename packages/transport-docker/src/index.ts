export { dockerTransport } from "./docker-transport.ts";
export type { DockerTransportOptions, ExtraMount } from "./options.ts";
export { protocolLabel } from "./engine/image.ts";
