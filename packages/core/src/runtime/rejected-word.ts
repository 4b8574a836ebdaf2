import { WaybillError } from "../errors.ts";
import type { RunId, SessionId } from "../ids.ts";
import { isPersonal } from "../ports/agent-operation.ts";
import type { AgentWord } from "../ports/agent-word.ts";
import type { TrackerOperation } from "../ports/tracker.ts";
import type { StreamReader } from "./stream-reader.ts";

/** What the word asks the board for. Throws `WORD_IS_PAST` for one that says something else. */
export function operationIn(word: AgentWord, name: string): TrackerOperation {
  if (word.type === "operation" && !isPersonal(word.operation)) return word.operation;
  const what = word.type === "operation" ? word.operation.type : word.type;
  throw new WaybillError(
    "WORD_IS_PAST",
    `The word ${name} is "${what}", which meant something only when it came. Only operations at the board can be driven again.`,
    { details: { name, type: what } },
  );
}

/**
 * Resolves if the session's log says that this word of this run was rejected: what was heard must not
 * be asked for a second time. Throws `WORD_NOT_REJECTED` otherwise. Reads the whole log.
 */
export async function assertRejected(
  reader: StreamReader,
  session: SessionId,
  { runId, seq }: { readonly runId: RunId; readonly seq: number },
): Promise<void> {
  for await (const event of reader.read(session, { after: 0, done: async () => true })) {
    if (event.type === "WordRejected" && event.data.runId === runId && event.data.mark.seq === seq)
      return;
  }
  throw new WaybillError(
    "WORD_NOT_REJECTED",
    `No word ${seq} of run ${runId} was rejected in session ${session}. The mailbox's deadLetters() lists those that can be driven again.`,
    { details: { session, runId, seq } },
  );
}
