import { mutationsOf, type Mutation } from "./mutations.ts";
import { parse, placesIn } from "./syntax.ts";

/** One change of the product. */
export interface Mutant {
  readonly id: number;
  /** From the folder of the product's source. */
  readonly file: string;
  readonly line: number;
  /** The function that it stands in, and what is changed to what; the same as long as these stay. */
  readonly name: string;
  /** Whether it is in force only while the file is loaded. */
  readonly onLoading: boolean;
}

/** A source with all of its mutants in it, of which one at most is in force. */
export interface Mutated {
  readonly mutants: readonly Mutant[];
  readonly source: string;
}

interface Found extends Mutant {
  readonly mutation: Mutation;
}

/**
 * Builds every mutant of a source into it at once: which one is in force is asked while it runs, so
 * that thousands can be tried without loading anything again. Their ids begin after `firstId`.
 */
export function mutate(file: string, source: string, firstId: number): Mutated {
  const found: Found[] = [];
  const names = new Map<string, number>();
  for (const place of placesIn(parse(source))) {
    for (const mutation of mutationsOf(place, source)) {
      const { start } = mutation.at;
      const where = place.inside.filter((part) => part !== "=>").join(".") || "(on loading)";
      const stem = `${file} ${where}: ${changeOf(mutation, source)}`;
      const count = (names.get(stem) ?? 0) + 1;
      names.set(stem, count);
      found.push({
        id: firstId + found.length,
        file,
        line: source.slice(0, start).split("\n").length,
        name: count === 1 ? stem : `${stem} (${count})`,
        onLoading: place.inside.length === 0,
        mutation,
      });
    }
  }
  return {
    mutants: found.map(({ mutation: _, ...mutant }) => mutant),
    source: `const __mutant = globalThis.__waybillMutant ?? (() => false);${render(found, source)}`,
  };
}

function changeOf(mutation: Mutation, source: string): string {
  const was = short(source.slice(mutation.at.start, mutation.at.end));
  switch (mutation.form) {
    case "expression":
      return `${was} -> ${short(mutation.text)}`;
    case "without":
      return `without ${was}`;
    case "empty":
      return "does nothing";
    default:
      return mutation satisfies never;
  }
}

function short(text: string): string {
  const line = text.replaceAll(/\s+/g, " ");
  return line.length > 70 ? `${line.slice(0, 50)}…${line.slice(-19)}` : line;
}

/** Mutations of the same stretch stand beside each other, shorter stretches inside of longer ones. */
function render(found: readonly Found[], source: string): string {
  const spans = Map.groupBy(found, ({ mutation }) => `${mutation.at.start}-${mutation.at.end}`);
  const sites = [...spans.values()].toSorted(
    ([one], [other]) =>
      startOf(one) - startOf(other) || (other?.mutation.at.end ?? 0) - (one?.mutation.at.end ?? 0),
  );
  let next = 0;
  const stretch = (from: number, to: number): string => {
    let text = "";
    let at = from;
    while (next < sites.length && startOf(sites[next]?.[0]) < to) {
      const site = sites[next] ?? [];
      const [first] = site;
      if (first === undefined) break;
      next += 1;
      const { start, end } = first.mutation.at;
      text += source.slice(at, start) + wrapped(site, stretch(start, end));
      at = end;
    }
    return text + source.slice(at, to);
  };
  return stretch(0, source.length);
}

function startOf(found: Found | undefined): number {
  return found?.mutation.at.start ?? 0;
}

function wrapped(site: readonly Found[], inner: string): string {
  let text = inner;
  const others: string[] = [];
  for (const { id, mutation } of site) {
    if (mutation.form === "expression") others.push(`__mutant(${id}) ? (${mutation.text}) : `);
  }
  if (others.length > 0) text = `(${others.join("")}(${text}))`;
  for (const { id, mutation } of site) {
    if (mutation.form === "without") text = `{ if (!__mutant(${id})) { ${text} } }`;
    if (mutation.form === "empty") text = `{ if (__mutant(${id})) return; ${text.slice(1)}`;
  }
  return text;
}
