import type { Letter } from "@waybill/core";

/** A letter as a file: its name is made of ids, so that the same letter has the same name. */
export interface LetterFile {
  readonly name: string;
  readonly text: string;
}

/** Makes the file of a letter. Throws a `TypeError` for ids that no name can be made of. */
export function writeLetter(letter: Letter, at: number): LetterFile {
  const { type, ...data } = letter;
  return { name: letterName(letter), text: `${JSON.stringify({ v: 1, type, at, data })}\n` };
}

function letterName(letter: Letter): string {
  switch (letter.type) {
    case "message":
      return `m.${digits(letter.position, 10)}.${digits(letter.delivery, 4)}.json`;
    case "answer":
      return `a.${digits(letter.re, 16)}.json`;
    case "interrupt":
      return `i.${turnName(letter.turn)}.json`;
    case "close":
      return "z.json";
    default:
      return letter satisfies never;
  }
}

function digits(value: number, width: number): string {
  const text = String(value).padStart(width, "0");
  if (!Number.isSafeInteger(value) || value < 0 || text.length > width) {
    throw new TypeError(`${value} is no whole number of at most ${width} digits.`);
  }
  return text;
}

function turnName(turn: string): string {
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(turn)) {
    throw new TypeError(`A turn's name is 1 to 64 of [A-Za-z0-9_-], not ${JSON.stringify(turn)}.`);
  }
  return turn;
}
