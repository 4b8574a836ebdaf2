import type { Logger } from "../ports/logger.ts";

/** What must never be written down. */
export interface Redaction {
  /** Exact texts of at least 4 characters: tokens, passwords. */
  readonly secrets?: readonly string[];
  /** What a secret looks like, at most 200 characters a match. Each needs the flag `g`. */
  readonly patterns?: readonly RegExp[];
}

/** What stands in the place of a secret. */
const redacted = "[redacted]";

/** The longest match of a pattern that is found across the pieces of a stream. */
const patternReach = 200;

/** Takes secrets out of everything that is recorded, published or logged. */
export interface Redactor {
  /** The same value, its texts without secrets. */
  clean<Value>(value: Value): Value;
  /** A cleaner for a text that comes in pieces: a secret that is split over two is found too. */
  stream(): StreamCleaner;
  /** A logger that writes no secret. */
  logger(logger: Logger): Logger;
}

/** Gives back what is safe to show of what came so far; the end is held back until `flush`. */
export interface StreamCleaner {
  push(piece: string): string;
  flush(): string;
}

/** A redactor; one that has nothing to look for changes nothing and costs nothing. */
export function redactor(options: Redaction = {}): Redactor {
  const { secrets = [], patterns = [] } = options;
  for (const secret of secrets) {
    if (secret.length < 4) throw new TypeError("A secret to redact needs at least 4 characters.");
  }
  for (const { flags, source } of patterns) {
    if (!flags.includes("g")) throw new TypeError(`The pattern /${source}/ needs the flag "g".`);
  }
  if (secrets.length + patterns.length === 0) return transparent;
  const longest = Math.max(
    ...secrets.map(({ length }) => length),
    patterns.length > 0 ? patternReach : 0,
  );

  const cleanText = (text: string): string => {
    const withoutSecrets = secrets.reduce(
      (each, secret) => each.replaceAll(secret, redacted),
      text,
    );
    return patterns.reduce((each, pattern) => each.replaceAll(pattern, redacted), withoutSecrets);
  };
  const clean = <Value>(value: Value): Value => map(value, cleanText) as Value;
  return {
    clean,
    stream: () => streamCleaner(cleanText, longest),
    logger: (logger) => wrap(logger, clean),
  };
}

function streamCleaner(cleanText: (text: string) => string, longest: number): StreamCleaner {
  let held = "";
  return {
    push(piece) {
      held = cleanText(held + piece);
      const safe = Math.max(held.length - longest + 1, 0);
      const out = held.slice(0, safe);
      held = held.slice(safe);
      return out;
    },
    flush() {
      const out = held;
      held = "";
      return out;
    },
  };
}

function map(value: unknown, cleanText: (text: string) => string): unknown {
  if (typeof value === "string") return cleanText(value);
  if (Array.isArray(value)) return value.map((item) => map(item, cleanText));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [cleanText(key), map(item, cleanText)]),
  );
}

function wrap(logger: Logger, clean: <Value>(value: Value) => Value): Logger {
  return {
    debug: (message, fields) => logger.debug(clean(message), clean(fields)),
    info: (message, fields) => logger.info(clean(message), clean(fields)),
    warn: (message, fields) => logger.warn(clean(message), clean(fields)),
    error: (message, fields) => logger.error(clean(message), clean(fields)),
  };
}

const transparent: Redactor = {
  clean: (value) => value,
  stream: () => ({ push: (piece) => piece, flush: () => "" }),
  logger: (logger) => logger,
};
