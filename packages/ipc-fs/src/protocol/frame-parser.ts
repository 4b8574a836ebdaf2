import { FRAME_LINE_BYTES } from "./limits.ts";

/** Protocol 0: the line before an output's JSON. */
export const FRAME_START = "---AGENT_OUTPUT_START---";
/** Protocol 0: the line after it. */
export const FRAME_END = "---AGENT_OUTPUT_END---";

/** What lay between two marker lines. */
export interface Frame {
  /** Where the line of the start marker begins, in bytes from the beginning of the stream. */
  readonly start: number;
  /** The byte after the line of the end marker. */
  readonly end: number;
  /** The lines in between that begin like a JSON object: at most the last eight. */
  readonly candidates: readonly Uint8Array[];
  /** Whether a line was left out because it was too long. */
  readonly cut: boolean;
}

/** Finds frames in a stream, however it is cut into chunks. */
export interface FrameParser {
  /** Takes the next bytes and gives the frames that they completed. */
  push(chunk: Uint8Array): readonly Frame[];
  /** Says that the stream is over: a last line without its newline counts. */
  end(): readonly Frame[];
  /** How many bytes of the stream have been taken, those before the first chunk included. */
  readonly position: number;
}

const NEWLINE = 0x0a;
const RETURN = 0x0d;
const OPEN_BRACE = 0x7b;
const START = Buffer.from(FRAME_START);
const END = Buffer.from(FRAME_END);
const CANDIDATES = 8;

/**
 * Parses the standard output of a protocol-0 agent from a byte offset on, which must be the
 * beginning of a line. Markers count as whole lines only, so a model's text cannot split or forge a
 * frame by quoting one. Memory is bounded: outside of a frame nothing but a marker is kept.
 */
export function frameParser(offset: number): FrameParser {
  let position = offset;
  let lineStart = offset;
  let frameStart: number | null = null;
  let candidates: Uint8Array[] = [];
  let cut = false;
  const line = lineBuffer();

  const endLineOfFrame = (bytes: Uint8Array, start: number, end: number): Frame | null => {
    if (END.equals(bytes)) {
      frameStart = null;
      return { start, end, candidates, cut };
    }
    if (bytes[0] === OPEN_BRACE) {
      candidates = [...candidates, bytes].slice(-CANDIDATES);
    }
    return null;
  };

  const endLine = (end: number): readonly Frame[] => {
    const limit = frameStart === null ? START.length : FRAME_LINE_BYTES;
    const bytes = line.take(limit);
    const start = lineStart;
    lineStart = end;
    if (bytes !== null && START.equals(bytes)) {
      // Inside of a frame too: the earlier start was torn off by a crash, or was noise.
      frameStart = start;
      candidates = [];
      cut = false;
    } else if (frameStart !== null && bytes === null) {
      cut = true;
    } else if (frameStart !== null && bytes !== null) {
      const frame = endLineOfFrame(bytes, frameStart, end);
      return frame === null ? [] : [frame];
    }
    return [];
  };

  return {
    push(chunk) {
      const found: Frame[] = [];
      const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
      let at = 0;
      while (at < bytes.length) {
        if (frameStart === null && line.isEmpty()) {
          const next = startOfNextLineThatCounts(bytes, at);
          lineStart += next - at;
          at = next;
        }
        const newline = bytes.indexOf(NEWLINE, at);
        const stop = newline === -1 ? bytes.length : newline;
        line.append(
          bytes.subarray(at, stop),
          frameStart === null ? START.length + 1 : FRAME_LINE_BYTES + 1,
        );
        at = newline === -1 ? stop : stop + 1;
        if (newline !== -1) {
          found.push(...endLine(position + at));
        }
      }
      position += bytes.length;
      return found;
    },
    end() {
      return endLine(position);
    },
    get position() {
      return position;
    },
  };
}

/** Outside of a frame: where the line with the next start marker begins, or else the last line. */
function startOfNextLineThatCounts(bytes: Buffer, from: number): number {
  const marker = bytes.indexOf(START, from);
  const before = marker === -1 ? bytes.length : marker;
  return before === 0 ? from : Math.max(from, bytes.lastIndexOf(NEWLINE, before - 1) + 1);
}

/** The bytes of one line so far: grows by doubling, so that many small chunks stay cheap. */
function lineBuffer(): {
  append(bytes: Uint8Array, limit: number): void;
  /** The line without its carriage return, and a fresh start; null where it is longer than `limit`. */
  take(limit: number): Uint8Array | null;
  isEmpty(): boolean;
} {
  let buffer = Buffer.alloc(256);
  let length = 0;
  let overflow = false;
  let begun = false;
  return {
    append(bytes, limit) {
      begun ||= bytes.length > 0;
      if (overflow || length + bytes.length > limit) {
        overflow ||= bytes.length > 0;
        return;
      }
      if (length + bytes.length > buffer.length) {
        const larger = Buffer.alloc(Math.max(buffer.length * 2, length + bytes.length));
        buffer.copy(larger, 0, 0, length);
        buffer = larger;
      }
      buffer.set(bytes, length);
      length += bytes.length;
    },
    take(limit) {
      const end = buffer[length - 1] === RETURN && length > 0 ? length - 1 : length;
      const bytes = overflow || end > limit ? null : new Uint8Array(buffer.subarray(0, end));
      length = 0;
      overflow = false;
      begun = false;
      return bytes;
    },
    isEmpty: () => !begun,
  };
}
