import { scanTopLevel } from "./top-level-scan.ts";

/** No model's name is longer; a longer text is not kept. */
const NAME_LENGTH = 128;
/** A name in which every letter is escaped, with its quotes and some space. */
const NAME_BYTES = 1_024;

/** Reads a JSON body as it passes. */
export interface ModelScan {
  take(chunk: Buffer): void;
  /** The top-level `model` so far; of two the last one, as JSON parsers have it. */
  readonly model: string | null;
  /** Every value that `model` had so far; null for one that is no model's name. */
  readonly named: readonly (string | null)[];
}

/** Finds the model that a request asks for, without keeping the request. */
export function scanModel(): ModelScan {
  const { take, values } = scanTopLevel("model", NAME_BYTES);
  return {
    take,
    get model() {
      return nameOf(values.at(-1));
    },
    get named() {
      return values.map(nameOf);
    },
  };
}

function nameOf(value: unknown): string | null {
  return typeof value === "string" && value.length <= NAME_LENGTH ? value : null;
}
