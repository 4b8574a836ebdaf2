// Random lives of a session against the pure core: commands and outcomes in any order, late and
// twice, crashes, takeovers, zombies, clocks that jump. After every step, what issue 3 promises.
//
// More lives, or one again: WAYBILL_RUNS=10000, WAYBILL_SEED=…, WAYBILL_PATH=… (fast-check's path).
import fc from "fast-check";
import { expect, test } from "vitest";
import { anyLife, type Life } from "./model/moves.ts";
import { Player } from "./model/player.ts";

const { WAYBILL_RUNS, WAYBILL_SEED, WAYBILL_PATH } = process.env;
const runs = Number(WAYBILL_RUNS ?? (process.env["WAYBILL_LONG"] === "1" ? 10_000 : 600));
const seed = Number(WAYBILL_SEED ?? Date.now() % 2 ** 31);

const parameters = {
  numRuns: runs,
  seed,
  endOnFailure: false,
  ...(WAYBILL_PATH === undefined ? {} : { path: WAYBILL_PATH }),
};

test(
  `whatever happens to a session, its promises hold (${runs} lives, WAYBILL_SEED=${seed})`,
  { timeout: 600_000 },
  () => {
    let shortest = Infinity;
    fc.assert(
      fc.property(anyLife, (life) => {
        shortest = Math.min(shortest, live(life));
      }),
      parameters,
    );
    // A life that nobody lives proves nothing.
    if (WAYBILL_PATH === undefined) expect(shortest).toBeGreaterThanOrEqual(50);
  },
);

/** Lives the life to its end; gives the number of commands that the core was given. */
function live(life: Life): number {
  const player = new Player(life);
  const moves = life.moves.filter(({ move }) => !life.never.includes(move));
  try {
    player.begin();
    for (const move of moves) player.play(move);
    // One in which too little happened goes on; a shrunk one stays as short as it is.
    for (let round = 0; isWhole(life) && player.commands < 50 && round < 10; round += 1) {
      for (const move of moves) player.play(move);
    }
    player.check();
    player.finish();
    player.check();
    return player.commands;
  } catch (error) {
    const story = player.story.slice(-40).join("\n  ");
    throw new Error(`${(error as Error).message}\nAfter:\n  ${story}`, { cause: error });
  }
}

function isWhole({ moves }: Life): boolean {
  return moves.length >= 80;
}
