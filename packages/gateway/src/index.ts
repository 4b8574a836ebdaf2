export { modelGateway } from "./model-gateway.ts";
export type { ModelGatewayOptions, UpstreamOptions } from "./model-gateway.ts";
export { MODEL_PATHS } from "./model-paths.ts";
export type { ModelPrice, ModelPrices, WayBudget, WayLimits } from "./way-spec.ts";
export type { CredentialSource, ModelCredential } from "./credential-source.ts";
export { defaultGatewayRoot } from "./gateway-root.ts";
export { stopModelGateway } from "./stop-model-gateway.ts";
