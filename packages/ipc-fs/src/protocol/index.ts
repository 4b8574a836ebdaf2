export { readWord } from "./read-word.ts";
export type { WordEnvelope, WrittenWord } from "./word-schema.ts";
export { wordEnvelopeSchema } from "./word-schema.ts";
export { letterEnvelopeSchema } from "./letter-schema.ts";
export type { LetterEnvelope } from "./letter-schema.ts";
export { writeLetter } from "./write-letter.ts";
export type { LetterFile } from "./write-letter.ts";
export { startSchema, startWord } from "./start-schema.ts";
export type { StartEnvelope } from "./start-schema.ts";
export { activitySchema, readActivity } from "./activity-schema.ts";
export { operationSchema } from "./operation-schema.ts";
export { FRAME_END, FRAME_START, frameParser } from "./frame-parser.ts";
export type { Frame, FrameParser } from "./frame-parser.ts";
export { oldOutputSchema, readFrame } from "./old-output.ts";
export type { OldOutput } from "./old-output.ts";
export { oldOperationSchema, readOldOperation } from "./old-operation.ts";
export type { OldOperation } from "./old-operation.ts";
export { oldMessageSchema } from "./old-message.ts";
export type { OldMessage } from "./old-message.ts";
export { oldStart, oldStartSchema } from "./old-start-schema.ts";
export type { OldStart } from "./old-start-schema.ts";
export { nestsDeeperThan } from "./json-depth.ts";
export type { Reading } from "./read-json.ts";
export { protocolJsonSchemas } from "./json-schemas.ts";
export type { JsonSchema } from "./json-schemas.ts";
export {
  ACTIVITY_LINE_BYTES,
  FILE_BYTES,
  FRAME_LINE_BYTES,
  JSON_DEPTH,
  UNACKNOWLEDGED,
} from "./limits.ts";
