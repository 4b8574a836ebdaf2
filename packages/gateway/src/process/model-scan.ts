const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN = new Set([0x7b, 0x5b]);
const CLOSE = new Set([0x7d, 0x5d]);
const COLON = 0x3a;
const COMMA = 0x2c;

/** No model's name is longer; a longer text is not kept. */
const TEXT_BYTES = 128;

/** Reads a JSON body as it passes. */
export interface ModelScan {
  take(chunk: Buffer): void;
  /** The top-level `model` so far; of two the last one, as JSON parsers have it. */
  readonly model: string | null;
}

/** Finds the model that a request asks for, without keeping the request. */
export function scanModel(): ModelScan {
  let depth = 0;
  let inText = false;
  let escaped = false;
  let isKey = true;
  let key: string | null = null;
  let model: string | null = null;
  let bytes: number[] = [];

  const endText = (): void => {
    inText = false;
    if (depth !== 1) return;
    const text = decode(bytes);
    if (isKey) key = text;
    else if (key === "model") model = text;
  };

  return {
    take(chunk) {
      for (let at = 0; at < chunk.length; at += 1) {
        const byte = chunk[at] ?? 0;
        if (inText && byte === QUOTE && !escaped) endText();
        else if (inText) {
          escaped = !escaped && byte === BACKSLASH;
          if (depth === 1 && bytes.length <= TEXT_BYTES) bytes.push(byte);
        } else if (byte === QUOTE) {
          inText = true;
          escaped = false;
          bytes = [];
        } else if (OPEN.has(byte)) depth += 1;
        else if (CLOSE.has(byte)) depth -= 1;
        else if (depth === 1 && byte === COLON) isKey = false;
        else if (depth === 1 && byte === COMMA) isKey = true;
      }
    },
    get model() {
      return model;
    },
  };
}

function decode(bytes: readonly number[]): string | null {
  if (bytes.length > TEXT_BYTES) return null;
  try {
    const text: unknown = JSON.parse(`"${Buffer.from(bytes).toString("utf8")}"`);
    return typeof text === "string" ? text : null;
  } catch {
    return null; // No JSON text, so no model: the upstream will refuse the request.
  }
}
