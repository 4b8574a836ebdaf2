import type { Instant } from "../../ids.ts";
import type { AgentWord, Incoming } from "../../ports/agent-word.ts";

type Word = Extract<Incoming, { readonly type: "word" }>;

/** What a run has said: a mailbox forgets it once it was told that it is recorded. */
export class Said {
  readonly #words: Word[] = [];
  #recorded = 0;

  /** Everything that was ever said, forgotten or not. */
  get all(): readonly Word[] {
    return this.#words;
  }

  /** Says a word and gives its number. */
  add(word: AgentWord, at: Instant): number {
    const seq = this.#words.length + 1;
    this.#words.push({ type: "word", mark: { seq, offset: 0 }, at, word });
    return seq;
  }

  /** Everything up to here is recorded: it is forgotten. */
  forget(seq: number): void {
    this.#recorded = Math.max(this.#recorded, seq);
  }

  /** What is still there after a number, and a gap in place of what should be there and is not. */
  after(seq: number): readonly Word[] {
    const there = this.#words.slice(Math.max(seq, this.#recorded));
    const [first] = there;
    if (seq >= this.#recorded || first === undefined) return there;
    const mark = { seq: this.#recorded, offset: 0 };
    return [{ ...first, mark, word: { type: "gap", through: this.#recorded } }, ...there];
  }
}
