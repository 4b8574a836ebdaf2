// Another process that acts on a run: argv is a JSON file of { plan, acts, options, umask }.
import { readFileSync } from "node:fs";
import { dockerTransport } from "@waybill/transport-docker";

const job = JSON.parse(readFileSync(process.argv[2] ?? "", "utf8"));
if (job.umask !== undefined) process.umask(job.umask);
const transport = dockerTransport(job.options);
const say = (word: unknown): boolean => process.stdout.write(`${JSON.stringify(word)}\n`);

say("here");
if (job.acts.includes("start")) say(await transport.start(job.plan));
if (job.acts.includes("watch")) {
  for await (const sighting of transport.watch(job.plan, new AbortController().signal)) {
    say(sighting);
  }
}
if (job.acts.includes("stay")) setInterval(() => undefined, 1_000);
await transport.close();
