import { kills } from "./kills.ts";
import { chaosOptions } from "./options.ts";
import { saveResult } from "./save-result.ts";

/** Kills real processes as the command line says; resolves with the exit code. */
export async function killsMain(argv: readonly string[]): Promise<number> {
  const options = chaosOptions(argv);
  const summary = await kills(options, (text) => {
    if (!options.json) console.error(text);
  });
  if (options.json) console.log(JSON.stringify(summary));
  else console.table(summary);
  if (options.save)
    await saveResult(`kills-${options.keys ? "keys" : "no-keys"}-${options.seed}`, summary);
  if (summary.kills < options.kills) {
    console.error(`The work was done after ${summary.kills} kills. Give more --messages.`);
    return 1;
  }
  return summary.lost + summary.repeated + summary.outOfOrder > 0 ? 1 : 0;
}
