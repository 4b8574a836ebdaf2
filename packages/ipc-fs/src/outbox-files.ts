/** The file in an outbox that the agent rewrites as its heartbeat. Not part of the sequence. */
export const HEARTBEAT_FILE = ".alive";

/** The file in an outbox to which the agent appends its activities. Not part of the sequence. */
export const ACTIVITY_FILE = ".stream.jsonl";
