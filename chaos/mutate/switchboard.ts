/** Which mutant is in force, and which were asked for. */
export interface Switchboard {
  /** From now on this mutant is in force, and no other; -1 for none. */
  use(id: number): void;
  /** Writes down every mutant that is asked for from now on, until `stop` gives them. */
  watch(): () => readonly number[];
}

/** Puts the question into the world that every mutated source asks. Before any of them is loaded. */
export function switchboard(first: number): Switchboard {
  let present = first;
  let asked: Set<number> | null = null;
  Object.assign(globalThis, {
    __waybillMutant: (id: number): boolean => {
      asked?.add(id);
      return id === present;
    },
  });
  return {
    use: (id) => {
      present = id;
    },
    watch: () => {
      const mine = new Set<number>();
      asked = mine;
      return () => {
        asked = null;
        return [...mine];
      };
    },
  };
}
