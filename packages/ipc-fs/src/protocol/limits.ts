/** The largest file that the host reads from an agent, in bytes. */
export const FILE_BYTES = 262_144;

/** How deep JSON from an agent may nest. The deepest word of the protocol has five levels. */
export const JSON_DEPTH = 32;

/** How many words may lie in an outbox before the agent waits. */
export const UNACKNOWLEDGED = 1_024;

/** The longest line of the activity stream that the host reads, in bytes. */
export const ACTIVITY_LINE_BYTES = 16_384;

/** Protocol 0: the longest line of standard output that can be a frame's JSON, in bytes. */
export const FRAME_LINE_BYTES = 1_048_576;
