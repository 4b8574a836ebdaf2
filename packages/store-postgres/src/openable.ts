import { storeClosed } from "./failure.ts";

/** Something that is opened once, however often that is asked for, and again after a close. */
export class Openable<T extends { close(): Promise<void> }> {
  readonly #open: () => Promise<T>;
  #current: T | null = null;
  #opening: Promise<void> | null = null;
  #closing: Promise<void> | null = null;

  constructor(open: () => Promise<T>) {
    this.#open = open;
  }

  /** What is open; throws `STORE_CLOSED` where nothing is, or no longer. */
  get current(): T {
    if (this.#current === null || this.#closing !== null) throw storeClosed();
    return this.#current;
  }

  /** Resolves once it is open. After a failure, the next call tries again. */
  async open(): Promise<void> {
    await this.#closing;
    this.#opening ??= this.#doOpen();
    await this.#opening;
  }

  /** Resolves once it is closed. */
  async close(): Promise<void> {
    if (this.#opening !== null) this.#closing ??= this.#doClose(this.#opening);
    await this.#closing;
  }

  async #doOpen(): Promise<void> {
    try {
      this.#current = await this.#open();
    } catch (error) {
      this.#opening = null;
      throw error;
    }
  }

  async #doClose(opening: Promise<void>): Promise<void> {
    try {
      // Whoever asked for an opening that fails is told so there.
      await opening.catch(() => null);
      await this.#current?.close();
    } finally {
      this.#current = null;
      this.#opening = null;
      this.#closing = null;
    }
  }
}
