import {
  ROOT_CONTEXT,
  SpanStatusCode,
  trace,
  type Attributes,
  type HrTime,
  type Span,
  type SpanKind,
  type Tracer,
} from "@opentelemetry/api";
import type { Instant } from "../ids.ts";
import type { StableIds } from "./stable-ids.ts";

/** What is known of a span when it begins. */
export interface SpanFacts {
  /** Its name here: one span is open under a key at a time. */
  readonly key: string;
  /** The keys of spans that may be its parent: the first that is open is. */
  readonly within: readonly string[];
  readonly name: string;
  readonly kind: SpanKind;
  readonly attributes: Attributes;
  readonly at: Instant;
  /** The id of the event that begins it. */
  readonly event: string;
}

/** How a span ended. */
export interface SpanEnd {
  readonly at: Instant;
  readonly attributes?: Attributes;
  /** What went wrong, by code; null where nothing did. */
  readonly error?: { readonly code: string; readonly message: string } | null;
}

/**
 * The spans that have begun and not ended. While the past is read again they are only remembered:
 * what had ended by then was exported by an earlier life. From `goLive` on they are real.
 */
export class OpenSpans {
  readonly #tracer: Tracer;
  readonly #ids: StableIds | null;
  readonly #open = new Map<string, Open>();
  #live = false;

  constructor(tracer: Tracer, ids: StableIds | null) {
    this.#tracer = tracer;
    this.#ids = ids;
  }

  /** Begins a span. */
  begin(facts: SpanFacts): void {
    const parent = facts.within
      .map((key) => this.#open.get(key))
      .find((open) => open !== undefined);
    const open: Open = { facts, parent: parent ?? null, notes: [], span: null };
    this.#open.set(facts.key, open);
    if (this.#live) open.span = this.#start(open);
  }

  /** Says that something happened in the span. */
  note(key: string, name: string, at: Instant, attributes: Attributes = {}): void {
    const open = this.#open.get(key);
    if (open === undefined) return;
    if (open.span === null) open.notes.push({ name, at, attributes });
    else open.span.addEvent(name, attributes, timeOf(at));
  }

  /** Ends the span, which is exported then. One that is not open stays as it is. */
  end(key: string, { at, attributes = {}, error = null }: SpanEnd): void {
    const open = this.#open.get(key);
    if (open === undefined) return;
    this.#open.delete(key);
    if (open.span === null) return;
    open.span.setAttributes(attributes);
    if (error !== null) {
      open.span.setAttribute("error.type", error.code);
      open.span.setStatus({ code: SpanStatusCode.ERROR, message: error.message });
    }
    open.span.end(timeOf(at));
  }

  /** The past has been read: what is open in it goes on. */
  goLive(): void {
    this.#live = true;
    for (const open of this.#open.values()) {
      open.span = this.#start(open);
      for (const { name, at, attributes } of open.notes.splice(0)) {
        open.span.addEvent(name, attributes, timeOf(at));
      }
    }
  }

  #start({ facts, parent }: Open): Span {
    const { name, kind, attributes, at, event } = facts;
    const around = parent?.span ?? null;
    const context = around === null ? ROOT_CONTEXT : trace.setSpan(ROOT_CONTEXT, around);
    const make = (): Span =>
      this.#tracer.startSpan(name, { kind, attributes, startTime: timeOf(at) }, context);
    return this.#ids === null ? make() : this.#ids.during(event, event, make);
  }
}

interface Open {
  readonly facts: SpanFacts;
  readonly parent: Open | null;
  readonly notes: { name: string; at: Instant; attributes: Attributes }[];
  span: Span | null;
}

/** As seconds and nanoseconds: a bare number could be taken for a time since the process began. */
function timeOf(at: Instant): HrTime {
  return [Math.floor(at / 1_000), (at % 1_000) * 1_000_000];
}
