import type { BoardRecords } from "./board.ts";

/** What became of what was asked for, counted at the board by unique content. */
export interface Tally {
  readonly asked: number;
  /** Contents that are on the board, however often. */
  readonly delivered: number;
  /** Contents that are not. */
  readonly lost: number;
  /** Copies beyond the first of each. */
  readonly repeated: number;
  /** Repeated calls that the board answered from memory, so that they left no copy. */
  readonly absorbed: number;
}

/**
 * Counts contents (of messages and comments; each asked for once) in the board's own records. Task
 * changes have no content: ask for them as `<task> <status>`, for example `task-1 in_progress`.
 */
export function tally(
  records: Pick<BoardRecords, "messages" | "comments" | "taskChanges" | "absorbed">,
  asked: readonly string[],
): Tally {
  const copies = new Map<string, number>();
  const count = (content: string): void => void copies.set(content, (copies.get(content) ?? 0) + 1);
  records.messages.forEach((message) => count(message.content));
  records.comments.forEach((comment) => count(comment.content));
  records.taskChanges.forEach((change) => count(`${change.task_id} ${change.status ?? ""}`));
  const found = asked.map((content) => copies.get(content) ?? 0);
  return {
    asked: asked.length,
    delivered: found.filter((times) => times > 0).length,
    lost: found.filter((times) => times === 0).length,
    repeated: found.reduce((sum, times) => sum + Math.max(times - 1, 0), 0),
    absorbed: records.absorbed,
  };
}
