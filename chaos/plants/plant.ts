/** A known bug, built in while the program is loaded: the product's source is never touched. */
export interface Plant {
  readonly name: string;
  /** What it breaks, in a sentence. */
  readonly why: string;
  /** The changes: in each file the text stands exactly once. */
  readonly edits: readonly Edit[];
  /** The run that must notice, as arguments of `pnpm chaos`. */
  readonly caughtBy: readonly string[];
}

/** One change of a source. */
export interface Edit {
  /** From the root of the checkout. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

/** The source with the change in it. Throws a `TypeError` where the text does not stand there once. */
export function edited(source: string, { file, find, replace }: Edit): string {
  const [head, ...tails] = source.split(find);
  if (tails.length === 1) return `${head}${replace}${tails[0]}`;
  throw new TypeError(
    `${JSON.stringify(find)} stands ${tails.length} times in ${file}, and a plant needs it once. Mend the plant: the source has changed.`,
  );
}
