import { text } from "node:stream/consumers";

import { WaybillError } from "@waybill/core";
import type { Activity, AgentOperation, AgentWord } from "@waybill/core";

import { cutText } from "../cut-text.ts";
import { openActivityStream } from "./activity-stream.ts";
import { startHeartbeat } from "./heartbeat.ts";
import { openInbox } from "./inbox.ts";
import type { Answer, CloseLetter, InterruptLetter, MessageLetter } from "./letter.ts";
import { openOutbox } from "./outbox.ts";
import { readStart } from "./start-word.ts";
import type { StartWord } from "./start-word.ts";

/** Where the agent finds its host. */
export interface ConnectOptions {
  /** Default: the environment of the process. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /**
   * Standard input, or its text where the program has read it already (to tell an old host with
   * `readStart`). Default: the standard input of the process.
   */
  readonly stdin?: string | AsyncIterable<Uint8Array | string>;
  /** Between heartbeats, in milliseconds. Default: 5,000. */
  readonly heartbeatMs?: number;
  /** Whether to watch the inbox beside sweeping it. Default: true. */
  readonly watch?: boolean;
}

/** The first word of a run. */
export type HelloWord = Omit<Extract<AgentWord, { type: "hello" }>, "type">;

/** The end of a turn, which settles the messages that it accepted. */
export type TurnEndedWord = Omit<
  Extract<AgentWord, { type: "turn_ended" }>,
  "type" | "conversation"
>;

/**
 * An agent's connection to its host. Every word resolves once its file has its final name, from
 * where it is sure to arrive; words arrive in the order of the calls.
 */
export interface AgentChannel {
  /** What the host said on standard input. */
  readonly start: StartWord;
  /** Must come first. `holds` names those of `start.unsettled` that the transcript has. */
  hello(word: HelloWord): Promise<void>;
  /** Messages in order and each once, interrupts at once; ends after the close. */
  letters(): AsyncIterable<MessageLetter | InterruptLetter | CloseLetter>;
  /** Says that the message is part of this turn now. */
  accepted(turn: string, message: string): Promise<void>;
  /** Ends the turn. A text that does not fit is cut, with a note. */
  turnEnded(word: TurnEndedWord): Promise<void>;
  /**
   * Asks for something at the Tracker or of a person and waits for the host's answer, also over a
   * restart of the host. Aborting ends the wait, not the operation; what was asked of a person ends
   * with the turn.
   */
  operation(
    operation: AgentOperation,
    options?: { readonly signal?: AbortSignal },
  ): Promise<Answer>;
  /** Shows what the agent is doing. May be lost. */
  activity(activity: Activity): void;
  /** The last word: resolves once everything is written, with the heartbeat and the watch ended. */
  bye(): Promise<void>;
  /** Ends the heartbeat and the watch without a word, for a program that gives up. */
  close(): void;
}

/** Room in a file for everything but the text of a turn. */
const ENVELOPE_BYTES = 16_384;
const ERROR_MESSAGE_BYTES = 4_096;
const TURN_NAME = /^[A-Za-z0-9_-]{1,64}$/;

/**
 * Connects the agent program of a protocol-1 run to its host: reads the start word, begins the
 * heartbeat and opens the mailbox folders. Throws `OLD_HOST` where the host speaks protocol 0,
 * `NOT_A_RUN` where the environment names no folders, and what `readStart` throws.
 */
export async function connectAgent(options: ConnectOptions = {}): Promise<AgentChannel> {
  const { env = process.env, stdin = process.stdin } = options;
  const start = readStart(typeof stdin === "string" ? stdin : await text(stdin));
  if (start.protocol === 0) {
    throw new WaybillError(
      "OLD_HOST",
      "The host speaks protocol 0, which has no mailbox. Serve it by frames on standard output, or start this agent from a protocol-1 host.",
    );
  }
  const outboxPath = folderFrom(env, "WAYBILL_OUTBOX");
  const inbox = openInbox({
    path: folderFrom(env, "WAYBILL_INBOX"),
    watch: options.watch ?? true,
  });
  const outbox = openOutbox({ path: outboxPath, ...start.limits });
  const stream = openActivityStream(outboxPath);
  const stopHeartbeat = startHeartbeat({
    path: outboxPath,
    ...(options.heartbeatMs === undefined ? {} : { everyMs: options.heartbeatMs }),
  });
  let stage: "silent" | "talking" | "done" = "silent";

  const say = async (
    type: AgentWord["type"],
    data: object,
    onSeq?: (seq: number) => void,
  ): Promise<void> => {
    if (stage !== "talking") {
      throw new TypeError(
        stage === "silent"
          ? `Say hello before ${type}.`
          : `Nothing can be said after bye, not even ${type}.`,
      );
    }
    await outbox.write(type, data, onSeq);
  };

  const close = (): void => {
    stage = "done";
    stopHeartbeat();
    inbox.close();
    stream.close();
  };

  return {
    start,
    async hello(word) {
      if (stage !== "silent") {
        throw new TypeError("Hello is said once, as the first word.");
      }
      stage = "talking";
      await say("hello", { agent: word.agent, context: word.context, holds: word.holds });
    },
    letters: () => inbox.letters,
    async accepted(turn, message) {
      await say("accepted", { turn: checkedTurn(turn), message });
    },
    async turnEnded(word) {
      await say("turn_ended", {
        ...word,
        turn: checkedTurn(word.turn),
        text: cutText(word.text, start.limits.fileBytes - ENVELOPE_BYTES),
        ...(word.error === undefined
          ? {}
          : {
              error: { ...word.error, message: cutText(word.error.message, ERROR_MESSAGE_BYTES) },
            }),
      });
    },
    async operation(operation, { signal } = {}) {
      signal?.throwIfAborted();
      return new Promise((resolve, reject) => {
        const waitFor = (seq: number): void => {
          inbox.answer(seq, signal).then(resolve, reject);
        };
        say("operation", { operation }, waitFor).catch(reject);
      });
    },
    activity: (activity) => stream.append(activity),
    async bye() {
      const said = say("bye", {});
      stage = "done";
      try {
        await said;
        await outbox.flush();
      } finally {
        close();
      }
    },
    close,
  };
}

function folderFrom(env: Readonly<Record<string, string | undefined>>, name: string): string {
  const path = env[name];
  if (path === undefined || path === "") {
    throw new WaybillError(
      "NOT_A_RUN",
      `${name} is not set, so there is no mailbox. Start this program through a Waybill host, which sets it.`,
      { details: { name } },
    );
  }
  return path;
}

function checkedTurn(turn: string): string {
  if (!TURN_NAME.test(turn)) {
    throw new TypeError(`A turn's name is 1 to 64 of [A-Za-z0-9_-], not ${JSON.stringify(turn)}.`);
  }
  return turn;
}
