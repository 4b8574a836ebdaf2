import type { Letter } from "../../ports/mailbox.ts";

/** A letter's name: a letter with a name that is there already is a repeat. Sorts as it is read. */
export function nameOf(letter: Letter): string {
  switch (letter.type) {
    case "message":
      return `m.${String(letter.position).padStart(10, "0")}.${letter.id}.${String(letter.delivery).padStart(4, "0")}`;
    case "answer":
      return `a.${String(letter.re).padStart(16, "0")}`;
    case "interrupt":
      return `i.${letter.turn}`;
    case "close":
      return "z";
    default:
      return letter satisfies never;
  }
}
