import fc from "fast-check";
import { anyLife } from "./model/moves.ts";
import { Player } from "./model/player.ts";
const r = fc.check(fc.property(anyLife, (life) => {
  const player = new Player(life);
  const moves = life.moves.filter(({ move }) => !life.never.includes(move));
  player.open();
  for (const move of moves) player.play(move);
  player.check(); player.finish(); player.check();
}), { numRuns: Number(process.env["WAYBILL_RUNS"]), seed: Number(process.env["WAYBILL_SEED"] ?? 1), endOnFailure: true });
if (r.failed) { console.log("FAILED after", r.numRuns, String((r.errorInstance as Error)?.message).split("\n")[0]); process.exit(1); }
