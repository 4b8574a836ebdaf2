import { globSync, readFileSync } from "node:fs";
import { mutate, type Mutant } from "./mutants.ts";

/** The sources that are mutated: everything that `decide`, `evolve` and `pending` are made of. */
const product: URL = new URL("../../packages/core/src/session/", import.meta.url);

/** Every mutant of the product, and each of its sources with all of them in it. */
export function mutatedProduct(): {
  readonly mutants: readonly Mutant[];
  readonly sources: ReadonlyMap<string, string>;
} {
  const mutants: Mutant[] = [];
  const sources = new Map<string, string>();
  for (const file of globSync("**/*.ts", { cwd: product }).toSorted()) {
    const url = new URL(file, product);
    const mutated = mutate(file, readFileSync(url, "utf8"), mutants.length);
    mutants.push(...mutated.mutants);
    sources.set(url.href, mutated.source);
  }
  return { mutants, sources };
}

/** Which of the three functions a file is of. */
export function partOf(file: string): "decide" | "evolve" | "pending" {
  if (file.startsWith("folds/") || evolving.has(file)) return "evolve";
  return deriving.has(file) ? "pending" : "decide";
}

const evolving = new Set(["evolve.ts", "draft.ts", "state.ts"]);
const deriving = new Set([
  "pending.ts",
  "deadlines.ts",
  "effect.ts",
  "effect-keys.ts",
  "status.ts",
]);
