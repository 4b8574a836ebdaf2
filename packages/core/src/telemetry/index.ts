export { recordTelemetry } from "./record-telemetry.ts";
export type { TelemetryOptions, TelemetryRecorder } from "./record-telemetry.ts";
export { StableIds } from "./stable-ids.ts";
