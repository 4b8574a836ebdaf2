import type { Fault } from "./script-line.ts";

/**
 * How often each fault has happened. It is the one thing that the conversation cannot tell, since a
 * failed call leaves no trace in it; so it is counted here, per session and place in its script.
 */
export interface FaultMemory {
  /** Whether the fault at this place happens (once more). */
  strikes(place: string, fault: Fault): boolean;
}

/** Faults counted in memory: another process begins at none. */
export function faultMemory(): FaultMemory {
  const counts = new Map<string, number>();
  return {
    strikes(place, fault) {
      const count = counts.get(place) ?? 0;
      if (count >= fault.times) return false;
      counts.set(place, count + 1);
      return true;
    },
  };
}
