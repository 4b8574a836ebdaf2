export { MODEL_PATHS, modelGateway } from "./model-gateway.ts";
export type { ModelGatewayOptions } from "./model-gateway.ts";
export type { WayLimits } from "./way-spec.ts";
export type { CredentialSource, ModelCredential } from "./credential-source.ts";
export { defaultGatewayRoot } from "./gateway-root.ts";
export { stopModelGateway } from "./stop-model-gateway.ts";
