import { WaybillError } from "../errors.ts";
import type { Fork } from "../events/session-events.ts";
import type { Session } from "../session/state.ts";
import type { StreamReader } from "./stream-reader.ts";

/** The place in the transcript where the turn ended. */
export async function forkPoint(
  reader: StreamReader,
  { id, folders }: Session,
  turn: string | undefined,
): Promise<Fork> {
  let found: Fork | null = null;
  for await (const event of reader.read(id, { after: 0, done: async () => true })) {
    if (event.type !== "TurnEnded" || event.data.transcriptId === null) continue;
    if (turn !== undefined && event.data.turnId !== turn) continue;
    const { conversation, transcriptId } = event.data;
    const where = folders === null ? {} : { folders };
    found = { sessionId: id, conversation, transcriptId, ...where };
  }
  if (found !== null) return found;
  throw new WaybillError(
    "TURN_NOT_FOUND",
    `Session ${id} has no ${turn === undefined ? "turn" : `turn "${turn}"`} that a fork could begin from. Use the turnId of one of its TurnEnded events.`,
  );
}
