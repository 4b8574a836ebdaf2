import { createHash } from "node:crypto";

/**
 * An id generator for a tracer provider that gives Waybill's spans the same ids whenever they are
 * made of the same events, and everybody else's random ones. With it, a span that was begun in one
 * process and ended in another is one span, its children find it, and one that was exported twice
 * can be recognised. Fits the `idGenerator` option of OpenTelemetry's SDKs.
 */
export class StableIds {
  #next: { readonly trace: string; readonly span: string } | null = null;

  /** 32 hexadecimal digits. */
  generateTraceId(): string {
    return this.#next === null ? random(16) : digest(this.#next.trace, 16);
  }

  /** 16 hexadecimal digits. */
  generateSpanId(): string {
    return this.#next === null ? random(8) : digest(this.#next.span, 8);
  }

  /** Makes a span whose ids follow from these ids of events. */
  during<Made>(trace: string, span: string, make: () => Made): Made {
    this.#next = { trace, span };
    try {
      return make();
    } finally {
      this.#next = null;
    }
  }
}

function digest(seed: string, bytes: number): string {
  return createHash("sha256")
    .update(seed)
    .digest("hex")
    .slice(0, bytes * 2);
}

function random(bytes: number): string {
  return Buffer.from(crypto.getRandomValues(new Uint8Array(bytes))).toString("hex");
}
