const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN = new Set([0x7b, 0x5b]);
const CLOSE = new Set([0x7d, 0x5d]);
const COLON = 0x3a;
const COMMA = 0x2c;

/** No key that is looked for is longer. */
const KEY_BYTES = 64;

/** Reads a JSON object as it passes. */
export interface TopLevelScan {
  take(chunk: Buffer): void;
  /**
   * Every value that the key had so far, of the outermost object alone; `undefined` for one that is
   * no JSON or too long. Parsers take the last of several, or none.
   */
  readonly values: readonly unknown[];
}

/** Finds what one key of a JSON object holds, without keeping the object. */
export function scanTopLevel(key: string, valueBytes: number): TopLevelScan {
  const values: unknown[] = [];
  let depth = 0;
  let inText = false;
  let escaped = false;
  /** The next text of the outermost object is a key. */
  let isKey = true;
  let isWanted = false;
  /** The bytes of the present key, or of the value that is looked for; null for anything else. */
  let kept: number[] | null = null;

  const limit = Math.max(KEY_BYTES, valueBytes);
  const keep = (byte: number): void => {
    if (kept !== null && kept.length <= limit) kept.push(byte);
  };
  const endValue = (): void => {
    if (isWanted && kept !== null) values.push(kept.length > valueBytes ? undefined : parse(kept));
    isWanted = false;
    kept = null;
  };
  const endText = (): void => {
    inText = false;
    if (depth !== 1 || !isKey || kept === null) return;
    isWanted = kept.length <= KEY_BYTES && parse(kept) === key;
    kept = null;
  };
  const takeMark = (byte: number): void => {
    if (OPEN.has(byte)) depth += 1;
    else if (CLOSE.has(byte)) depth -= 1;
    else if (depth === 1 && byte === COLON && isKey) {
      isKey = false;
      kept = isWanted ? [] : null;
      return;
    }
    const isEnd = depth === 0 || (depth === 1 && byte === COMMA);
    if (!isEnd) return keep(byte);
    endValue();
    isKey = true;
  };

  return {
    values,
    take(chunk) {
      for (let at = 0; at < chunk.length; at += 1) {
        const byte = chunk[at] ?? 0;
        if (inText) {
          keep(byte);
          if (byte === QUOTE && !escaped) endText();
          else escaped = !escaped && byte === BACKSLASH;
        } else if (byte === QUOTE) {
          inText = true;
          escaped = false;
          if (depth === 1 && isKey) kept = [];
          keep(byte);
        } else {
          takeMark(byte);
        }
      }
    },
  };
}

function parse(bytes: readonly number[]): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString("utf8"));
  } catch {
    return undefined; // Not JSON: the upstream will refuse it.
  }
}
