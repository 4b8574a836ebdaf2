import { seededRandom } from "../random.ts";

/** Chance, from a seed. */
export interface Dice {
  /** True this often, from 0 to 1. */
  chance(share: number): boolean;
  /** A whole number from `from` to `to`, both included. */
  between(from: number, to: number): number;
  /** One of these. */
  pick<Item>(items: readonly [Item, ...Item[]]): Item;
}

/** Dice that fall the same way for the same seed and name. */
export function dice(seed: number, name: string): Dice {
  const random = seededRandom(hash(`${seed} ${name}`));
  const between = (from: number, to: number): number =>
    from + Math.floor(random() * (to - from + 1));
  return {
    between,
    chance: (share) => random() < share,
    pick: (items) => items[between(0, items.length - 1)] ?? items[0],
  };
}

function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    value = Math.imul(value ^ text.charCodeAt(index), 0x01000193);
  }
  return value >>> 0;
}
