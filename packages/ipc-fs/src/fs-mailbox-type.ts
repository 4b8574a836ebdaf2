import type { AgentWord, Mailbox, RunId, SessionId } from "@waybill/core";

/** Names a dead letter. */
export interface DeadLetterName {
  readonly sessionId: SessionId;
  readonly runId: RunId;
  /** Its place in what the run said; that place is recorded as `unreadable`. */
  readonly seq: number;
}

/** Something that an agent wrote and that was no word, as it is kept. */
export interface KeptDeadLetter extends DeadLetterName {
  readonly protocol: 0 | 1;
  /** Where the agent had put it, for a person. */
  readonly origin: string;
  /** Why it was no word, as in the `unreadable` word. */
  readonly code: string;
  readonly reason: string;
  /** Milliseconds since 1970. */
  readonly at: number;
  /** The file with what it said, for a person to read or to mend; null where that was not kept. */
  readonly path: string | null;
  /** When it was redriven, in milliseconds since 1970; null where it was not. */
  readonly redrivenAt: number | null;
}

/** A mailbox of files: beside the port, what a person may do with what was no word. */
export interface FsMailbox extends Mailbox {
  /** The dead letters of all sessions, of one, or of one run, by session, run and number. */
  deadLetters(of?: {
    readonly sessionId: SessionId;
    readonly runId?: RunId;
  }): Promise<readonly KeptDeadLetter[]>;

  /**
   * Reads a dead letter again, mended by a person or by a host that knows more, hands its word to
   * `act`, and marks it as redriven once that resolves. `key` is the key of the operation in it.
   * After a crash in between it can be redriven again: `act` must be idempotent under the key, as the
   * session's `redriveWord` is, which records it.
   *
   * Throws `DEAD_LETTER_MISSING`, `DEAD_LETTER_REDRIVEN`, or `DEAD_LETTER_UNREADABLE` where it is
   * still no word; `act` is then not called.
   */
  redrive(
    letter: DeadLetterName,
    act: (word: AgentWord, key: string) => Promise<void>,
  ): Promise<AgentWord>;
}
