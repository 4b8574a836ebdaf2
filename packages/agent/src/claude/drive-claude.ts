import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import type { Query, SDKMessage } from "@anthropic-ai/claude-agent-sdk";
import { WaybillError } from "@waybill/core";
import { eventQueue } from "../session/event-queue.ts";
import type { ModelSession, SessionEvent } from "../session/model-session.ts";
import { activityFeed } from "./activity-feed.ts";
import type { FedMessage, MessageFeed } from "./message-feed.ts";
import { messageText, repeatedMessageText } from "./message-text.ts";
import { messageUuid } from "./message-uuid.ts";
import type { TranscriptFollower } from "./transcript-follower.ts";
import { turnTracker } from "./turn-tracker.ts";

/** A started program and what is known of its conversation. */
export interface DriveClaudeOptions {
  readonly query: Query;
  readonly feed: MessageFeed;
  readonly follower: TranscriptFollower;
  /** The UUIDs of the user messages that the transcript had at the start. */
  readonly inTranscript: ReadonlySet<string>;
  /** The conversation's cost in US dollars, where the SDK's own total is this. */
  readonly cost: (sdkTotalUsd: number) => number;
  /** Keeps the files as they are at the end of a turn, under the transcript's place. */
  readonly checkpoint: (transcript: string) => Promise<void>;
  readonly log: (text: string) => void;
}

/** How long an interrupted turn may take to say its end, in milliseconds. */
const INTERRUPT_MS = 3_000;

/** How long to wait for the transcript before a tool and at the end of a turn, in milliseconds. */
const SAVED_BEFORE_TOOL_MS = 10_000;
const SAVED_AT_END_MS = 5_000;

/** A session, and what the SDK's program asks of it before each tool. */
export interface DrivenSession extends ModelSession {
  /**
   * Resolves with null once the transcript on disk has the messages of the turn, or with why the
   * tool must not run: after a kill, a message that is not there is handed over again, and the model
   * would do again what it had done.
   */
  beforeTool(): Promise<string | null>;
}

/** Drives the SDK's program: messages in, events out, in the words of a `ModelSession`. */
export function driveClaude(options: DriveClaudeOptions): DrivenSession {
  const { query, feed, follower, inTranscript, log } = options;
  const events = eventQueue<SessionEvent>();
  const idOf = new Map<string, string>();
  const uuidOf = new Map<string, FedMessage["uuid"]>();
  const tracker = turnTracker({ messageOf: (uuid) => idOf.get(uuid), cost: options.cost });
  const activities = activityFeed({
    show: (activity) => events.push({ type: "activity", activity }),
  });
  let ending: "finish" | "stop" | null = null;
  let turnOver = (): void => undefined;

  const see = async (message: SDKMessage): Promise<void> => {
    activities.see(message);
    for (const event of tracker.see(message)) {
      if (event.type === "accepted") feed.begun(uuidOf.get(event.message) ?? "");
      events.push(event.type === "turn_ended" ? await saved(event, options) : event);
      if (event.type === "turn_ended") turnOver();
    }
  };

  const run = async (): Promise<void> => {
    let failure: unknown = null;
    try {
      for await (const message of query) await see(message);
    } catch (error) {
      failure = error;
    }
    activities.flush();
    if (ending === "stop") {
      for (const event of tracker.abandon()) events.push(event);
    } else if (ending === null || tracker.current() !== null || feed.isWaiting()) {
      events.end(died(failure));
    } else if (failure !== null) {
      // It ends with 1 after a turn that failed: that was told already, and is no second failure.
      log(`The model's program ended: ${String(failure)}`);
    }
    events.end();
  };
  const over = run();

  return {
    events: () => events,
    take(message) {
      if (uuidOf.has(message.id)) return;
      const uuid = messageUuid(message.id);
      const isRepeat = inTranscript.has(uuid);
      const sent = isRepeat ? randomUUID() : uuid;
      uuidOf.set(message.id, sent);
      idOf.set(sent, message.id);
      feed.push({
        uuid: sent,
        text: isRepeat ? repeatedMessageText(message) : messageText(message),
      });
    },
    async beforeTool() {
      const uuids = tracker.currentMessages();
      if (await follower.holds(uuids, SAVED_BEFORE_TOOL_MS)) return null;
      log(`The transcript does not have the messages of the turn: ${uuids.join(", ")}`);
      return "The conversation cannot be saved on disk, so no tool may run. Say so and end the turn.";
    },
    async interrupt(turn) {
      if (tracker.current() === turn) await query.interrupt();
    },
    finish() {
      ending ??= "finish";
      feed.finish();
    },
    async stop() {
      ending = "stop";
      tracker.stop();
      feed.drop();
      if (tracker.current() !== null) {
        // Closing alone in mid-turn made another call to the model.
        const ended = new Promise<void>((resolve) => {
          turnOver = resolve;
        });
        await Promise.race([interrupted(query, ended, log), pause(INTERRUPT_MS)]);
      }
      query.close();
      await over;
    },
  };
}

/** The turn's end, once the transcript has its last entry; without a place in it where it has not. */
async function saved(
  event: Extract<SessionEvent, { type: "turn_ended" }>,
  { follower, checkpoint, log }: DriveClaudeOptions,
): Promise<SessionEvent> {
  const { transcript, ...rest } = event;
  if (transcript === undefined) return event;
  await checkpoint(transcript);
  if (await follower.holds([transcript], SAVED_AT_END_MS)) return event;
  log(`The transcript does not have the end of turn ${event.turn}: a later run will not know it.`);
  return rest;
}

async function interrupted(
  query: Query,
  ended: Promise<void>,
  log: (text: string) => void,
): Promise<void> {
  // The SDK takes this option undeclared; without it a message that waits would begin a turn now.
  const interrupt: (options: { readonly cancelQueued: true }) => Promise<unknown> =
    query.interrupt.bind(query);
  try {
    await interrupt({ cancelQueued: true });
    await ended;
  } catch (error) {
    log(`The turn could not be interrupted: ${String(error)}`);
  }
}

function died(cause: unknown): WaybillError {
  return new WaybillError(
    "MODEL_PROGRAM_DIED",
    `The model's program ended on its own: ${cause === null ? "without a word" : String(cause)}. If this repeats, look for an out-of-memory kill; a run needs about 512 MB.`,
    { class: "transient", cause },
  );
}
