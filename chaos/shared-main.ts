import { saveResult } from "./save-result.ts";
import { sharedOptions } from "./shared/options.ts";
import { storm } from "./shared/storm.ts";

/** Hurts orchestrators that share a store as the command line says; resolves with the exit code. */
export async function sharedMain(argv: readonly string[]): Promise<number> {
  const options = sharedOptions(argv);
  const summary = await storm(options, (text) => {
    if (!options.json) console.error(text);
  });
  if (options.json) console.log(JSON.stringify(summary));
  else console.table(summary);
  if (options.save) await saveResult(`store-postgres-${options.seed}`, summary);
  if (summary.closed < summary.sessions) {
    console.error(`Only ${summary.closed} of ${summary.sessions} sessions ended in time.`);
    return 1;
  }
  return summary.lost + summary.repeated + summary.doubleRuns > 0 ? 1 : 0;
}
