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
    let steps = 0;
    fc.assert(
      fc.property(anyLife, (life) => {
        live(life);
        steps += life.moves.length;
      }),
      parameters,
    );
    if (WAYBILL_PATH === undefined) expect(steps).toBeGreaterThanOrEqual(runs * 50);
  },
);

function live(life: Life): number {
  const player = new Player(life);
  const moves = life.moves.filter(({ move }) => !life.never.includes(move));
  try {
    player.begin();
    for (const move of moves) player.play(move);
    player.check();
    player.finish();
    player.check();
    return moves.length;
  } catch (error) {
    const story = player.story.slice(-40).join("\n  ");
    throw new Error(`${(error as Error).message}\nAfter:\n  ${story}`, { cause: error });
  }
}
