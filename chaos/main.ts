// `pnpm chaos`: breaks things and counts. Exits non-zero where anything was lost, repeated or turned round.
import { kills } from "./kills.ts";
import { chaosOptions } from "./options.ts";

const options = chaosOptions(process.argv.slice(2));
const summary = await kills(options, (text) => {
  if (!options.json) console.error(text);
});
if (options.json) console.log(JSON.stringify(summary));
else console.table(summary);
if (summary.lost + summary.repeated + summary.outOfOrder > 0) process.exitCode = 1;
