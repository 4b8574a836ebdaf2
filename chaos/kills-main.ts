import { kills } from "./kills.ts";
import { chaosOptions } from "./options.ts";

/** Kills real processes as the command line says; resolves with the exit code. */
export async function killsMain(argv: readonly string[]): Promise<number> {
  const options = chaosOptions(argv);
  const summary = await kills(options, (text) => {
    if (!options.json) console.error(text);
  });
  if (options.json) console.log(JSON.stringify(summary));
  else console.table(summary);
  return summary.lost + summary.repeated + summary.outOfOrder > 0 ? 1 : 0;
}
