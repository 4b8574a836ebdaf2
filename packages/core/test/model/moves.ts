// What a random life is made of. A move says what to try; the player makes a command of it that fits
// the moment, so that most moves do something and a shrunk counterexample still reads as a story.
import fc from "fast-check";

/** Something to try. `pick` chooses among what there is at that moment. */
export type Move =
  | { readonly move: "rest" }
  | { readonly move: "open"; readonly asAnother: boolean }
  | { readonly move: "own"; readonly by: number; readonly asThief: boolean }
  /** The process dies: what it had in flight is forgotten, and the next one takes over. */
  | { readonly move: "crash" }
  | { readonly move: "send"; readonly pick: number }
  | { readonly move: "interrupt" }
  | { readonly move: "close"; readonly outcome: "closed" | "stopped" }
  | { readonly move: "stopRun"; readonly reason: "asked" | "shutdown" }
  | { readonly move: "unpark" }
  | { readonly move: "raise"; readonly usd: number | null }
  /** What all sessions of the agent may cost is spent, or raised. */
  | { readonly move: "agentBudget"; readonly spent: boolean }
  | { readonly move: "erase" }
  | { readonly move: "approve"; readonly pick: number; readonly granted: boolean }
  | { readonly move: "redrive"; readonly pick: number }
  | { readonly move: "pass"; readonly ms: number }
  | {
      readonly move: "tick";
      readonly caughtUp: boolean;
      readonly alive: boolean;
      readonly backMs: number;
    }
  /** For a while everybody does what is wanted. */
  | { readonly move: "flow"; readonly rounds: number; readonly costUsd: number | null }
  /** Carries a pending effect out, in this way. */
  | { readonly move: "do"; readonly pick: number; readonly how: How }
  /** The same for what is pending at the board. */
  | { readonly move: "board"; readonly pick: number; readonly how: How }
  /** Time passes until something is due. */
  | { readonly move: "wait"; readonly caughtUp: boolean; readonly alive: boolean }
  /** Carries it out and keeps the outcome for later. */
  | { readonly move: "hold"; readonly pick: number; readonly atBoard: boolean }
  /** An outcome that was kept arrives. */
  | { readonly move: "arrive"; readonly pick: number }
  /** An outcome that arrived once arrives again. */
  | { readonly move: "again"; readonly pick: number }
  /** Who was frozen before an effect, wakes and does it. */
  | { readonly move: "zombie"; readonly pick: number }
  /** An outcome of a run that nobody here asked for. */
  | { readonly move: "stranger"; readonly pick: number }
  /** Somebody looks at the present run's process and tells the truth. */
  | { readonly move: "look" }
  /** The agent goes on as it should. */
  | {
      readonly move: "agent";
      readonly steps: number;
      readonly costUsd: number | null;
      /** How its turns end; null where they end well. */
      readonly fails: "transient" | "rate" | "reset" | "permanent" | null;
    }
  /** The agent says something, fitting or not. */
  | { readonly move: "babble"; readonly pick: number }
  /** The process ends. */
  | { readonly move: "die"; readonly code: number | null }
  | { readonly move: "forget" };

/** How an effect goes. `lost`: it was done and nobody heard so; `doubt`: it was not, and nobody knows. */
export type How = "well" | "lost" | "doubt" | "transient" | "rate" | "permanent";

const pick = fc.nat({ max: 20 });
const how = fc.constantFrom<How>("well", "lost", "doubt", "transient", "rate", "permanent");

/** Any move, the likely ones more often. */
const anyMove: fc.Arbitrary<Move> = fc.oneof(
  // First, so that shrinking takes out what does not matter.
  { withCrossShrink: true },
  often(1, "rest", {}),
  often(60, "flow", {
    rounds: fc.integer({ min: 1, max: 3 }),
    costUsd: fc.constantFrom(null, null, 0.1, 0.4, 3),
  }),
  often(36, "do", {
    pick,
    how,
  }),
  often(12, "agent", {
    steps: fc.integer({ min: 1, max: 4 }),
    costUsd: fc.constantFrom(null, null, 0.2),
    fails: fc.constantFrom(null, null, null, null, "transient", "rate", "reset", "permanent"),
  }),
  often(16, "board", {
    pick,
    how,
  }),
  often(12, "wait", { caughtUp: fc.constantFrom(true, true, false), alive: fc.boolean() }),
  often(16, "send", { pick: fc.nat({ max: 11 }) }),
  often(6, "tick", {
    caughtUp: fc.boolean(),
    alive: fc.boolean(),
    backMs: fc.constantFrom(0, 0, 0, 1, 3_600_000),
  }),
  often(8, "pass", {
    ms: fc.constantFrom(0, 1, 400, 5_000, 5_000, 31_000, 70_000, 400_000, 4_000_000),
  }),
  often(1, "pass", { ms: fc.constant(90_000_000) }),
  often(14, "hold", { pick, atBoard: fc.constantFrom(false, false, true) }),
  often(10, "arrive", { pick }),
  often(8, "again", { pick }),
  often(6, "zombie", { pick }),
  often(3, "stranger", { pick }),
  often(8, "look", {}),
  often(8, "babble", { pick }),
  often(4, "die", { code: fc.constantFrom(0, 1, null) }),
  often(4, "own", { by: fc.integer({ min: -1, max: 2 }), asThief: fc.boolean() }),
  often(4, "crash", {}),
  often(4, "open", { asAnother: fc.constantFrom(false, false, true) }),
  often(10, "approve", { pick, granted: fc.boolean() }),
  often(2, "close", { outcome: fc.constantFrom("closed", "closed", "stopped") }),
  often(1, "stopRun", { reason: fc.constantFrom("asked", "shutdown") }),
  often(5, "redrive", { pick }),
  often(3, "raise", { usd: fc.constantFrom(null, 1, 2, 10) }),
  often(4, "agentBudget", { spent: fc.boolean() }),
  often(2, "erase", {}),
  often(3, "interrupt", {}),
  often(3, "unpark", {}),
  often(1, "forget", {}),
);

/** What happens where it is all about operations, and callers that die in mid-call. */
const boardMove: fc.Arbitrary<Move> = fc.oneof(
  { withCrossShrink: true },
  often(1, "rest", {}),
  often(6, "flow", { rounds: fc.constant(1), costUsd: fc.constant(null) }),
  often(10, "agent", {
    steps: fc.constant(2),
    costUsd: fc.constant(null),
    fails: fc.constant(null),
  }),
  often(4, "send", { pick: fc.nat({ max: 11 }) }),
  often(20, "board", {
    pick,
    how: fc.constantFrom<How>("well", "lost", "lost", "doubt", "doubt", "transient"),
  }),
  often(8, "hold", { pick, atBoard: fc.constant(true) }),
  often(6, "arrive", { pick }),
  often(4, "again", { pick }),
  often(6, "own", { by: fc.constant(1), asThief: fc.constant(false) }),
  often(2, "crash", {}),
  often(6, "wait", { caughtUp: fc.constant(true), alive: fc.constant(true) }),
  often(3, "approve", { pick, granted: fc.boolean() }),
  often(3, "redrive", { pick }),
  often(1, "die", { code: fc.constant(1) }),
);

function often<Name extends Move["move"]>(
  weight: number,
  move: Name,
  parts: {
    readonly [Part in Exclude<keyof MoveOf<Name>, "move">]: fc.Arbitrary<MoveOf<Name>[Part]>;
  },
): { readonly weight: number; readonly arbitrary: fc.Arbitrary<Move> } {
  return {
    weight,
    arbitrary: fc.record({ move: fc.constant(move), ...parts }) as unknown as fc.Arbitrary<Move>,
  };
}

type MoveOf<Name extends Move["move"]> = Extract<Move, { readonly move: Name }>;

/** A session's life: what it lives by, and what happens. */
export interface Life {
  /** Whether the Tracker does a repeated write once. */
  readonly keys: boolean;
  readonly protocol: 0 | 1;
  /** Which of the player's policies. */
  readonly policy: number;
  /** For how many rounds everything goes well before anything happens. */
  readonly calm: number;
  /** Moves that do not happen in this life: without some, others come to more. */
  readonly never: readonly Move["move"][];
  readonly moves: readonly Move[];
}

/** Any life of at least eighty moves, of which some may be left out. */
export const anyLife: fc.Arbitrary<Life> = fc.record({
  keys: fc.constantFrom(true, true, false),
  protocol: fc.constantFrom(1 as const, 1 as const, 1 as const, 0 as const),
  policy: fc.nat({ max: 4 }),
  calm: fc.constantFrom(0, 3, 6, 6, 8),
  never: fc.subarray<Move["move"]>([
    "do",
    "hold",
    "pass",
    "close",
    "stopRun",
    "die",
    "crash",
    "own",
    "open",
    "babble",
    "stranger",
    "zombie",
    "forget",
    "interrupt",
    "erase",
    "tick",
  ]),
  moves: fc.oneof(
    { weight: 3, arbitrary: fc.array(anyMove, { minLength: 80, maxLength: 120, size: "max" }) },
    { weight: 1, arbitrary: fc.array(boardMove, { minLength: 80, maxLength: 120, size: "max" }) },
  ),
});
