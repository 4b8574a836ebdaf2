import type { TrackerOperation } from "@waybill/core";
import { z } from "zod";

import { idSchema, textSchema } from "./field-schemas.ts";
import { FILE_BYTES } from "./limits.ts";
import { readJson, refused } from "./read-json.ts";
import type { Reading } from "./read-json.ts";

/** Protocol 0: a file in `ipc/messages` or `ipc/tasks`, as agents write it. */
export type OldOperation =
  | { readonly type: "chat_message"; readonly chat_id: string | number; readonly content: string }
  | { readonly type: "task_status"; readonly task_id: string | number; readonly status: string }
  | {
      readonly type: "task_comment";
      readonly task_id: string | number;
      readonly content?: string;
      readonly comment?: string;
      readonly text?: string;
    }
  | { readonly type: "task_take"; readonly task_id: string | number }
  | { readonly type: "task_complete"; readonly task_id: string | number };

const text = textSchema(FILE_BYTES);
/** Boards may number their chats and tasks; the old runner took numbers as they came. */
const boardId = z.union([idSchema, z.int().nonnegative()]);

/**
 * The shape of such a file. Who sends it is the host's to say, so `sender_type`, `sender_name` and
 * `agent_slug` are left out like every unknown field.
 */
export const oldOperationSchema: z.ZodType<OldOperation> = z.discriminatedUnion("type", [
  z.object({ type: z.literal("chat_message"), chat_id: boardId, content: text }),
  z.object({ type: z.literal("task_status"), task_id: boardId, status: textSchema(64) }),
  z.object({
    type: z.literal("task_comment"),
    task_id: boardId,
    content: text.exactOptional(),
    comment: text.exactOptional(),
    text: text.exactOptional(),
  }),
  z.object({ type: z.literal("task_take"), task_id: boardId }),
  z.object({ type: z.literal("task_complete"), task_id: boardId }),
]);

/** Reads such a file as an operation. Codes of refusal: those of `readJson` and `INVALID_OPERATION`. */
export function readOldOperation(bytes: Uint8Array): Reading<TrackerOperation> {
  const reading = readJson(bytes, oldOperationSchema, "INVALID_OPERATION");
  return reading.ok ? operationOf(reading.value) : reading;
}

function operationOf(old: OldOperation): Reading<TrackerOperation> {
  switch (old.type) {
    case "chat_message":
      return read({ type: "chat.send", chat: String(old.chat_id), content: old.content });
    case "task_status":
      return read({ type: "task.status", task: String(old.task_id), status: old.status });
    case "task_take":
      return read({ type: "task.take", task: String(old.task_id) });
    case "task_complete":
      return read({ type: "task.complete", task: String(old.task_id) });
    case "task_comment": {
      const content = old.content ?? old.comment ?? old.text;
      return content === undefined
        ? refused("INVALID_OPERATION", "A task_comment has no content.")
        : read({ type: "task.comment", task: String(old.task_id), content });
    }
    default:
      return old satisfies never;
  }
}

function read(value: TrackerOperation): Reading<TrackerOperation> {
  return { ok: true, value };
}
