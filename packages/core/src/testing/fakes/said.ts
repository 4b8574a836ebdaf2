import type { Instant } from "../../ids.ts";
import type { AgentWord, Incoming } from "../../ports/agent-word.ts";

type Word = Extract<Incoming, { readonly type: "word" }>;

/** What a run has said: a mailbox forgets it once it was told that it is recorded. */
export class Said {
  /** By number, from 1; null where a place was left out. */
  readonly #places: (Word | null)[] = [];
  #recorded = 0;

  /** Everything that was ever said, forgotten or not. */
  get all(): readonly Word[] {
    return this.#places.filter((place) => place !== null);
  }

  /** Says a word and gives its number. */
  add(word: AgentWord, at: Instant): number {
    const seq = this.#places.length + 1;
    this.#places.push({ type: "word", mark: { seq, offset: 0 }, at, word });
    return seq;
  }

  /** Leaves out the place of one word. */
  skip(): void {
    this.#places.push(null);
  }

  /** Everything up to here is recorded: it is forgotten. */
  forget(seq: number): void {
    this.#recorded = Math.max(this.#recorded, seq);
  }

  /** What is still there after a number, and a gap in place of what should be there and is not. */
  after(seq: number): readonly Word[] {
    const words: Word[] = [];
    let last = seq;
    for (const word of this.#places.slice(Math.max(seq, this.#recorded))) {
      if (word === null) continue;
      const through = word.mark.seq - 1;
      if (through > last)
        words.push({ ...word, mark: { seq: through, offset: 0 }, word: { type: "gap", through } });
      words.push(word);
      last = word.mark.seq;
    }
    return words;
  }
}
