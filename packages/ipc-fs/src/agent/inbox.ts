import { readFileSync, readdirSync } from "node:fs";

import { WaybillError } from "@waybill/core";

import { folderPulse } from "../folder-pulse.ts";
import { isPassing } from "../passing-failure.ts";
import { letterQueue } from "./letter-queue.ts";
import type { LetterQueue } from "./letter-queue.ts";
import { readAnswer, readClose, readLetterName, readMessage } from "./letter.ts";
import type { Answer, CloseLetter, InterruptLetter, MessageLetter } from "./letter.ts";

/** How to read the inbox. */
export interface InboxOptions {
  /** The inbox folder; it may be read-only. */
  readonly path: string;
  /** Whether to use a watch beside the sweep. Default: true. */
  readonly watch?: boolean;
}

/** The way from the host to the agent. */
export interface Inbox {
  readonly letters: LetterQueue<MessageLetter | InterruptLetter | CloseLetter>;
  /** Resolves with the answer to the operation with this number, however long that takes. */
  answer(seq: number, signal?: AbortSignal): Promise<Answer>;
  close(): void;
}

/** A file that stays unreadable for so long is a fault of the host, not a moment in between. */
const UNREADABLE_AFTER_MS = 5_000;

interface Waiter {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}

/** Opens the inbox and looks through it until it is closed. */
export function openInbox(options: InboxOptions): Inbox {
  const letters = letterQueue<MessageLetter | InterruptLetter | CloseLetter>();
  const seen = new Set<string>();
  const taken = new Set<string>();
  const doubtful = new Map<string, number>();
  const waiters = new Map<number, Waiter>();
  const pulse = folderPulse({
    paths: [options.path],
    watch: options.watch ?? true,
    // Each letter begins as a file with a dot, which says nothing yet.
    isHint: (name) => !name.startsWith("."),
  });
  let closed = false;

  /** The text of a letter through `read`; null where it cannot be read yet. */
  const tryRead = <Value>(name: string, read: (text: string) => Value): Value | null => {
    try {
      const value = read(readFileSync(`${options.path}/${name}`, "utf8"));
      doubtful.delete(name);
      return value;
    } catch (error) {
      const since = doubtful.get(name) ?? performance.now();
      doubtful.set(name, since);
      if (performance.now() - since < UNREADABLE_AFTER_MS) {
        return null;
      }
      throw new WaybillError(
        "LETTER_UNREADABLE",
        `The letter ${name} in ${options.path} cannot be read: ${String(error)}. The host and this agent do not fit together.`,
        { cause: error, details: { name } },
      );
    }
  };

  const takeAnswers = (names: readonly string[]): boolean => {
    let found = false;
    for (const name of names) {
      const parsed = readLetterName(name);
      const waiter = parsed?.type === "answer" ? waiters.get(parsed.seq) : undefined;
      if (parsed?.type !== "answer" || waiter === undefined) {
        continue;
      }
      const answer = tryRead(name, readAnswer);
      if (answer !== null) {
        waiters.delete(parsed.seq);
        waiter.resolve(answer);
        found = true;
      }
    }
    return found;
  };

  const takeInterrupts = (names: readonly string[]): boolean => {
    let found = false;
    for (const name of names) {
      const parsed = readLetterName(name);
      if (parsed?.type === "interrupt" && !seen.has(name)) {
        seen.add(name);
        letters.push({ type: "interrupt", turn: parsed.turn });
        found = true;
      }
    }
    return found;
  };

  const takeMessages = (names: readonly string[]): boolean => {
    const fresh = unseenMessages(names, seen);
    const closing = names.includes("z.json") && !seen.has("z.json");
    if (fresh.length === 0 && !closing) {
      return false;
    }
    // A listing is no snapshot: it can show a file and miss an older one. Whatever was put before
    // the newest file of this listing is sure to be in a second one.
    const newest = fresh.at(-1)?.order ?? "";
    const confirmed = unseenMessages(list(options.path), seen).filter(
      (candidate) => closing || candidate.order <= newest,
    );
    for (const { name } of confirmed) {
      const message = tryRead(name, readMessage);
      if (message === null) {
        return true;
      }
      seen.add(name);
      const pair = `${message.id} ${message.delivery}`;
      if (!taken.has(pair)) {
        taken.add(pair);
        letters.push(message);
      }
    }
    if (closing) {
      const close = tryRead("z.json", readClose);
      if (close !== null) {
        seen.add("z.json");
        letters.push(close);
        letters.end();
      }
    }
    return true;
  };

  const look = (): boolean => {
    const names = list(options.path);
    const answered = takeAnswers(names);
    const interrupted = takeInterrupts(names);
    return takeMessages(names) || interrupted || answered;
  };

  const run = async (): Promise<void> => {
    try {
      for (;;) {
        if (closed) {
          break;
        }
        await pulse.next(look() ? "found" : "quiet");
      }
      letters.end();
      fail(waiters, channelClosed());
    } catch (error) {
      closed = true;
      pulse.close();
      letters.fail(error);
      fail(waiters, error);
    }
  };
  void run();

  return {
    letters,
    answer(seq, signal) {
      return new Promise((resolve, reject) => {
        if (closed) {
          reject(channelClosed());
          return;
        }
        const onAbort = (): void => {
          waiters.delete(seq);
          reject(signal?.reason);
        };
        if (signal?.aborted === true) {
          onAbort();
          return;
        }
        signal?.addEventListener("abort", onAbort, { once: true });
        const settled = (): void => signal?.removeEventListener("abort", onAbort);
        waiters.set(seq, {
          resolve: (answer) => {
            settled();
            resolve(answer);
          },
          reject: (error) => {
            settled();
            reject(error);
          },
        });
        pulse.wake();
      });
    },
    close() {
      closed = true;
      pulse.close();
    },
  };
}

/** The names in the folder; none where listing fails for a reason that passes. */
function list(path: string): readonly string[] {
  try {
    return readdirSync(path);
  } catch (error) {
    if (isPassing(error)) {
      return [];
    }
    throw new WaybillError(
      "INBOX_UNREADABLE",
      `The inbox ${path} cannot be listed: ${String(error)}. It must exist and be readable for uid ${process.getuid?.() ?? "of this process"}.`,
      { cause: error, details: { path } },
    );
  }
}

function unseenMessages(
  names: readonly string[],
  seen: ReadonlySet<string>,
): readonly { readonly name: string; readonly order: string }[] {
  return names
    .filter((name) => readLetterName(name)?.type === "message" && !seen.has(name))
    .map((name) => ({ name, order: name }))
    .toSorted((left, right) => (left.order < right.order ? -1 : 1));
}

function fail(waiters: Map<number, Waiter>, error: unknown): void {
  for (const waiter of waiters.values()) {
    waiter.reject(error);
  }
  waiters.clear();
}

function channelClosed(): WaybillError {
  return new WaybillError(
    "CHANNEL_CLOSED",
    "The channel to the host is closed: bye was said. Ask for operations before it.",
  );
}
