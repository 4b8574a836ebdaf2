export { dockerTransport } from "./docker-transport.ts";
export { doctor } from "./doctor/doctor.ts";
export type { DoctorOptions } from "./doctor/doctor.ts";
export type { DoctorCheck, Finding } from "./doctor/finding.ts";
export type { DockerTransportOptions, ExtraMount } from "./options.ts";
export { protocolLabel } from "./engine/image.ts";
