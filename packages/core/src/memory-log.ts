import { restoreMismatch } from "./check-append.ts";
import type { ErasedEvent, NewEvent, StoredEvent } from "./ports/event-store.ts";

/** The events of a memory store, by position, id and stream. */
export class MemoryLog {
  // As text, so that nobody can change the log through an object that it was given, or gave.
  readonly #entries: Entry[] = [];
  readonly #positions = new Map<string, number>();
  readonly #streams = new Map<string, number[]>();

  /** The position of the last event; 0 for none. */
  get last(): number {
    return this.#entries.length;
  }

  /** The positions of a stream's events. */
  positionsOf(stream: string): readonly number[] {
    return this.#streams.get(stream) ?? [];
  }

  /** Where the event with this id stands; undefined where there is none. */
  entryOf(id: string): { readonly stream: string; readonly event: StoredEvent | null } | undefined {
    const position = this.#positions.get(id);
    const entry = position === undefined ? undefined : this.#entries[position - 1];
    return position === undefined || entry === undefined
      ? undefined
      : { stream: entry.stream, event: this.eventAt(position) };
  }

  /** The type at a position; null for an erased event. */
  typeAt(position: number): string | null {
    return this.#entries[position - 1]?.type ?? null;
  }

  /** The event at a position; null where it was erased. */
  eventAt(position: number): StoredEvent | null {
    const text = this.#entries[position - 1]?.text ?? null;
    return text === null ? null : JSON.parse(text);
  }

  add(stream: string, event: NewEvent): StoredEvent {
    const position = this.last + 1;
    const versions = this.#streams.get(stream) ?? [];
    this.#streams.set(stream, versions);
    versions.push(position);
    this.#entries.push(entryFrom(stream, versions.length, position, event));
    this.#positions.set(event.id, position);
    return JSON.parse(this.#entries.at(-1)?.text ?? "null");
  }

  /** Empties the stream's events up to a version. */
  erase(stream: string, through: number): void {
    for (const position of this.positionsOf(stream).slice(0, through)) {
      const entry = this.#entries[position - 1];
      if (entry !== undefined) this.#entries[position - 1] = { ...entry, type: null, text: null };
    }
  }

  /** Puts events back into their empty places; throws before it changes anything. */
  restore(stream: string, events: readonly ErasedEvent[]): void {
    const positions = this.positionsOf(stream);
    for (const event of events) {
      const entry = this.#entries[(positions[event.version - 1] ?? 0) - 1];
      if (entry?.id !== event.id) throw restoreMismatch(stream, event);
    }
    for (const event of events) {
      const position = positions[event.version - 1] ?? 0;
      if (this.#entries[position - 1]?.text === null)
        this.#entries[position - 1] = entryFrom(stream, event.version, position, event);
    }
  }
}

/** An event; of an erased one only its place and its id. */
interface Entry {
  readonly id: string;
  readonly stream: string;
  readonly type: string | null;
  readonly text: string | null;
}

function entryFrom(stream: string, version: number, position: number, event: NewEvent): Entry {
  const { id, type, data, schema, recordedAt, causation, mustUnderstand } = event;
  const stored: StoredEvent = {
    id,
    type,
    data,
    schema,
    recordedAt,
    causation,
    mustUnderstand,
    stream,
    version,
    position: String(position),
  };
  return { id, stream, type, text: JSON.stringify(stored) };
}
