/**
 * How the program ends, by the code of what went wrong (numbers from BSD's sysexits). 0 is a run
 * that said bye. None of them is a number that shells and engines use themselves.
 */
export function exitCode(code: string): number {
  return CODES[code] ?? 70;
}

const CODES: Readonly<Record<string, number>> = {
  // It was started in a way that no program can make sense of.
  START_UNREADABLE: 64,
  PROTOCOL_UNKNOWN: 64,
  NOT_A_RUN: 64,
  COMMAND_UNKNOWN: 64,
  // There is nothing to go back to.
  CHECKPOINT_NOT_FOUND: 66,
  NO_REPOSITORY: 66,
  // The model's program does not start, or ended on its own.
  MODEL_PROGRAM_FAILED: 69,
  MODEL_PROGRAM_DIED: 69,
  // A folder that it must write cannot be written.
  STATE_UNWRITABLE: 73,
  WORKSPACE_UNWRITABLE: 73,
  OUTBOX_UNWRITABLE: 73,
  // What the agent's definition says does not fit.
  CONFIG_INVALID: 78,
};
