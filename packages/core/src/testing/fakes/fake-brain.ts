import type { MessageId } from "../../ids.ts";
import type { Letter } from "../../ports/mailbox.ts";
import type { Step } from "./script.ts";

/** What a fake agent does and remembers, over all of its runs. */
export class FakeBrain {
  /** What it was told, in order. */
  readonly heard: {
    readonly conversation: string;
    readonly id: MessageId;
    readonly text: string;
  }[] = [];
  /** What it was told about its operations. */
  readonly answers: Extract<Letter, { readonly type: "answer" }>[] = [];
  readonly #script: Step[];

  constructor(script: readonly Step[]) {
    this.#script = [...script];
  }

  /** The next step of a turn; null when the script is over. */
  next(): Step | null {
    return this.#script.shift() ?? null;
  }

  /** How the next run begins, where its script says so: then that step is taken. */
  birth(): Extract<Step, { readonly type: "stillborn" | "mute" }> | null {
    const [step] = this.#script;
    if (step?.type !== "stillborn" && step?.type !== "mute") return null;
    this.#script.shift();
    return step;
  }

  /** The steps that nobody asked for yet. */
  get unused(): readonly Step[] {
    return this.#script;
  }

  /** Takes a message into the transcript. */
  hold(conversation: string, id: MessageId, text: string): void {
    this.heard.push({ conversation, id, text });
  }

  /** Whether the transcript holds the message. */
  holds(conversation: string, id: MessageId): boolean {
    return this.heard.some((entry) => entry.conversation === conversation && entry.id === id);
  }

  /** Whether there is a transcript. */
  remembers(conversation: string): boolean {
    return this.heard.some((entry) => entry.conversation === conversation);
  }

  /** The transcript of one conversation becomes the beginning of another's. */
  fork(from: string, conversation: string): void {
    for (const entry of this.heard.filter((each) => each.conversation === from)) {
      this.heard.push({ ...entry, conversation });
    }
  }

  /** The transcript is lost. */
  forget(): void {
    this.heard.length = 0;
  }

  /** One conversation's transcript is removed. */
  drop(conversation: string): void {
    const rest = this.heard.filter((entry) => entry.conversation !== conversation);
    this.heard.splice(0, this.heard.length, ...rest);
  }

  /** Takes an answer in. */
  answered(letter: Extract<Letter, { readonly type: "answer" }>): void {
    this.answers.push(letter);
  }
}
