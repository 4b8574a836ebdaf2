// The main job, end to end, on real parts. See README.md beside this file.
import type { SessionRecord } from "@waybill/core";
import { tally } from "@waybill/tracker-client/testing";
import { ensureAgentImage } from "./agent-image.ts";
import { demoOptions } from "./options.ts";
import { play } from "./play.ts";
import { asked, codeWord, liveMessages, messages } from "./script.ts";
import { Stage, type Audience } from "./stage.ts";
import { printTable } from "./table.ts";
import { JsonTeller, Teller } from "./tell.ts";

const options = demoOptions(process.argv.slice(2));
const startedAt = performance.now();
const teller = options.json ? new JsonTeller() : new Teller();
const records: SessionRecord[] = [];
const audience: Audience = {
  record(record) {
    records.push(record);
    teller.record(record);
  },
  activity: (activity) => teller.activity(activity),
  log: (text) => teller.log(text),
};

if (options.docker) await ensureAgentImage((text) => teller.narrate(text));
const stage = await Stage.open(options, audience);
try {
  const lines = options.live ? liveMessages : messages;
  const played = await play(stage, lines, (text) => teller.narrate(text));
  const found = tally((await stage.records()) as Parameters<typeof tally>[0], asked);
  const count = (type: SessionRecord["type"]): number =>
    records.filter((record) => record.type === type).length;
  const resumed =
    played.remembered.includes(codeWord) &&
    records.some(({ type, data }) => type === "ContextRestored" && data.from === "native");
  const summary = {
    type: "DemoSummary",
    ...found,
    runs: count("RunStarted"),
    crashes: played.crashes,
    adopted: count("RunAdopted"),
    resumed,
    seconds: Math.round((performance.now() - startedAt) / 100) / 10,
  };
  if (options.json) console.log(JSON.stringify(summary));
  else printTable(summary);
  const right =
    found.lost === 0 &&
    found.repeated === 0 &&
    summary.adopted === 1 &&
    summary.runs === 2 &&
    resumed;
  if (!right) process.exitCode = 1;
} finally {
  await stage[Symbol.asyncDispose]();
  if (options.keep) console.error(`The data is kept in ${stage.data}.`);
}
