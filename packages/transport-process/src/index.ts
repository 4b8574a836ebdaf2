export { processTransport } from "./process-transport.ts";
export type { ProcessTransportOptions } from "./process-transport.ts";
export type { ResourceLimits } from "./resource-limits.ts";
