import { closeSync, ftruncateSync, openSync, writeSync } from "node:fs";

import type { Activity } from "@waybill/core";

import { cutText } from "../cut-text.ts";
import { ACTIVITY_FILE } from "../outbox-files.ts";

/** A line's text is cut to this: the host skips longer lines. */
const TEXT_BYTES = 8_192;
/** The file starts over at this size: what nobody has read by then is lost, which is allowed. */
const FILE_BYTES = 8 * 1_048_576;

/** Where the agent shows what it is doing. Nothing here is recorded or acknowledged. */
export interface ActivityStream {
  append(activity: Activity): void;
  close(): void;
}

/** Opens the stream in the outbox folder; without one, activities are dropped. */
export function openActivityStream(folder: string): ActivityStream {
  let file: number | null = null;
  let size = 0;
  try {
    file = openSync(`${folder}/${ACTIVITY_FILE}`, "a", 0o644);
  } catch {
    // Loss-tolerant by design; a folder that stays unwritable shows itself at the next word.
  }
  return {
    append(activity) {
      if (file === null) {
        return;
      }
      try {
        if (size > FILE_BYTES) {
          ftruncateSync(file, 0);
          size = 0;
        }
        size += writeSync(file, `${JSON.stringify(bounded(activity))}\n`);
      } catch {
        // A full disk: loss-tolerant by design.
      }
    },
    close() {
      if (file !== null) {
        closeSync(file);
        file = null;
      }
    },
  };
}

function bounded(activity: Activity): Activity {
  switch (activity.type) {
    case "text":
      return { ...activity, text: cutText(activity.text, TEXT_BYTES) };
    case "tool_started":
      return { ...activity, summary: cutText(activity.summary, TEXT_BYTES) };
    case "retrying":
      return { ...activity, reason: cutText(activity.reason, TEXT_BYTES) };
    default:
      return activity;
  }
}
