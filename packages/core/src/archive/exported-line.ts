import type { Json } from "../json.ts";
import type { NewEvent } from "../ports/event-store.ts";

/**
 * A line of an exported log. The format is newline-delimited JSON: one header, every event, or the place of an erased one, in
 * the order of the log, the highest epoch of every name, every checkpoint, and one last line without which it is not whole.
 */
export type ExportedLine =
  | { readonly header: { readonly format: 1; readonly store: string } }
  | { readonly event: ExportedEvent }
  | { readonly erased: { readonly id: string; readonly stream: string; readonly version: number } }
  | { readonly lease: { readonly name: string; readonly epoch: number } }
  | { readonly checkpoint: { readonly name: string; readonly value: string } }
  | {
      readonly end: {
        readonly events: number;
        readonly leases: number;
        readonly checkpoints: number;
      };
    };

/** An event, its stream and its version there. */
export interface ExportedEvent extends NewEvent {
  readonly stream: string;
  readonly version: number;
}

/** The line as text, with its line feed. */
export function lineOf(line: ExportedLine): string {
  return `${JSON.stringify(line)}\n`;
}

/** The line's meaning; null where it has none. The values of an event are checked by the append. */
export function readExportedLine(line: string): ExportedLine | null {
  const value = parse(line);
  if (!isObject(value)) return null;
  const { header, event, erased, lease, checkpoint, end } = value;
  if (isObject(header)) {
    const { format, store } = header;
    return format === 1 && typeof store === "string" && store !== ""
      ? { header: { format, store } }
      : null;
  }
  if (isObject(event)) return readEvent(event);
  if (isObject(erased)) {
    const { id, stream, version } = erased;
    return typeof id === "string" && typeof stream === "string" && isCount(version)
      ? { erased: { id, stream, version } }
      : null;
  }
  if (isObject(lease)) {
    const { name, epoch } = lease;
    return typeof name === "string" && isCount(epoch) ? { lease: { name, epoch } } : null;
  }
  if (isObject(checkpoint)) {
    const { name, value: set } = checkpoint;
    return typeof name === "string" && typeof set === "string"
      ? { checkpoint: { name, value: set } }
      : null;
  }
  if (isObject(end)) {
    const { events, leases, checkpoints } = end;
    return isCount(events) && isCount(leases) && isCount(checkpoints)
      ? { end: { events, leases, checkpoints } }
      : null;
  }
  return null;
}

function readEvent(value: Readonly<Record<string, Json>>): ExportedLine | null {
  const { id, type, data, schema, recordedAt, causation, mustUnderstand, stream, version } = value;
  if (typeof id !== "string" || typeof type !== "string" || typeof stream !== "string") return null;
  if (data === undefined || typeof schema !== "number" || typeof recordedAt !== "number")
    return null;
  if (!(causation === null || typeof causation === "string")) return null;
  if (typeof mustUnderstand !== "boolean" || !isCount(version) || version === 0) return null;
  return {
    event: { id, type, data, schema, recordedAt, causation, mustUnderstand, stream, version },
  };
}

function parse(line: string): Json {
  try {
    return JSON.parse(line);
  } catch {
    return null; // what is no JSON has no meaning, like what is JSON but no line of ours
  }
}

function isObject(value: Json | undefined): value is { readonly [key: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isCount(value: Json | undefined): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}
