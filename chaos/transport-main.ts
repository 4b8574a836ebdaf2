import { isClean, transportKills } from "./transport-kills.ts";
import { transportChaosOptions } from "./transport-options.ts";

/** `pnpm chaos --transport …`: the exit code is 0 where nothing was lost, repeated or started twice. */
export async function transportMain(argv: readonly string[]): Promise<number> {
  const options = transportChaosOptions(argv);
  const summary = await transportKills(options, (text) => {
    if (!options.json) console.error(text);
  });
  if (options.json) console.log(JSON.stringify(summary));
  else console.table(summary);
  return isClean(summary) && summary.starts === options.starts + 1 ? 0 : 1;
}
