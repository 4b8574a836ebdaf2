export { dockerTransport } from "./docker-transport.ts";
export { doctor } from "./doctor.ts";
export type { DoctorCheck, DoctorOptions, Finding } from "./doctor.ts";
export type { DockerTransportOptions, ExtraMount } from "./options.ts";
export { protocolLabel } from "./engine/image.ts";
