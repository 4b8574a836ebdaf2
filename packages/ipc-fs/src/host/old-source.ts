import type { AgentWord } from "@waybill/core";

import { openDeadLetters } from "./dead-letters.ts";
import { lifeSigns } from "./life-signs.ts";
import { oldFileWords } from "./old-file-word.ts";
import type { SourceOptions } from "./outbox-source.ts";
import type { RunPaths } from "./run-paths.ts";
import type { RunRecord } from "./run-record.ts";
import { openSafeFolder } from "./safe-folder.ts";
import type { SafeFolder } from "./safe-folder.ts";
import { openSpool } from "./spool.ts";
import type { SpoolEntry } from "./spool.ts";
import { forgetSecrets } from "./start-secrets.ts";
import { stdoutFrames } from "./stdout-frames.ts";
import type { OutputWord, StdoutFrames } from "./stdout-frames.ts";
import { TICK_MS, TICK_WORDS } from "./word-source.ts";
import type { IncomingWord, Taken, WordSource } from "./word-source.ts";

/**
 * Protocol 0: the words in a run's standard output and in its `messages` and `tasks`. One look
 * reads the output first, then takes the files, and hands over the files before the frames: an
 * operation that was written before its turn ended stays before the end of its turn.
 */
export function oldSource(paths: RunPaths, record: RunRecord, options: SourceOptions): WordSource {
  const parts = openParts(paths, options);
  try {
    return sourceOf(parts, { paths, record, ...options });
  } catch (error) {
    parts.close();
    throw error;
  }
}

interface Parts {
  readonly messages: SafeFolder;
  readonly tasks: SafeFolder;
  readonly spool: SafeFolder;
  readonly output: StdoutFrames;
  close(): void;
}

function openParts(paths: RunPaths, { after, isOver }: SourceOptions): Parts {
  const opened: { close(): void }[] = [];
  const keep = <Part extends { close(): void }>(part: Part): Part => {
    opened.push(part);
    return part;
  };
  const close = (): void => {
    for (const part of opened) {
      part.close();
    }
  };
  try {
    return {
      messages: keep(openSafeFolder(paths.messages)),
      tasks: keep(openSafeFolder(paths.tasks)),
      spool: keep(openSafeFolder(paths.spool)),
      output: keep(stdoutFrames(paths.stdout, after.offset, isOver)),
      close,
    };
  } catch (error) {
    close();
    throw error;
  }
}

function sourceOf(
  parts: Parts,
  options: SourceOptions & { readonly paths: RunPaths; readonly record: RunRecord },
): WordSource {
  const { paths, record, after, isOver, patienceMs, logger } = options;
  const { messages, tasks, output } = parts;
  const sources = [messages, tasks];
  const spool = openSpool({ path: paths.spool, sources, after: after.seq, logger });
  const deadLetters = openDeadLetters(paths, logger);
  const wordOfFile = oldFileWords({ spool: parts.spool, deadLetters, patienceMs });
  const alive = lifeSigns(paths, null);
  let files: SpoolEntry[] = [];
  let frames: OutputWord[] = [];
  let handed: SpoolEntry[] = [];
  let isOutputAtEnd = false;
  let offset = after.offset;
  let owesHello = after.seq === 0;
  let hasSecrets = true;

  const said = (seq: number, word: AgentWord): IncomingWord => ({
    type: "word",
    mark: { seq, offset },
    at: Date.now(),
    word,
  });

  const look = (): void => {
    const read = output.take();
    isOutputAtEnd = read.isAtEnd;
    files = [...spool.claim()];
    frames = [...read.words];
  };

  /** The next word; null where there is none, or none yet. */
  const next = (): IncomingWord | null => {
    const [file] = files;
    if (file !== undefined) {
      const word = wordOfFile(file);
      if (word === null) {
        return null;
      }
      files.shift();
      handed.push(file);
      return said(file.seq, word);
    }
    const frame = frames.shift();
    if (frame === undefined) {
      return null;
    }
    offset = frame.offset;
    return said(spool.nextNumber(), frame.word);
  };

  const hello = (): IncomingWord => {
    const context = record.conversation.resume ? "resumed" : "fresh";
    const word: AgentWord = { type: "hello", agent: "protocol-0", context, holds: [] };
    return { type: "word", mark: { seq: 1, offset: after.offset }, at: Date.now(), word };
  };

  const takeWords = (): readonly IncomingWord[] => {
    const words: IncomingWord[] = [];
    const started = performance.now();
    while (words.length < TICK_WORDS && performance.now() - started < TICK_MS) {
      const word = next();
      if (word === null) {
        break;
      }
      words.push(word);
    }
    return words;
  };

  const stateNow = (): Taken["state"] => {
    if (files.length > 0) {
      return "waiting";
    }
    return frames.length > 0 || !isOutputAtEnd ? "more" : "empty";
  };

  return {
    watchPaths: [messages.watchPath, tasks.watchPath, paths.stdout],
    isHint: () => true,
    take() {
      if (files.length === 0 && frames.length === 0) {
        look();
      }
      const early = owesHello && !isOver ? [hello()] : [];
      const words = takeWords();
      // A run that is over and never said a thing was never ready: it gets no hello either.
      const late = owesHello && isOver && words.length > 0 ? [hello()] : [];
      owesHello &&= early.length + late.length === 0;
      if (hasSecrets && (words.length > 0 || isOver)) {
        forgetSecrets(paths);
        hasSecrets = false;
      }
      const state = words.length > 0 ? "more" : stateNow();
      return { words: [...early, ...late, ...words], state };
    },
    acknowledge() {
      handed = handed.filter(
        ({ name, seq }) =>
          !(parts.spool.remove(name) || deadLetters.moveAside(parts.spool, name, seq)),
      );
    },
    signs: alive,
    isPastBacklog: () => false,
    close: () => parts.close(),
  };
}
