#!/usr/bin/env node
import { parseArgs } from "node:util";
import { scriptedModel } from "./scripted-model.ts";

// A scripted model as a process of its own: prints {"url"} as one line, and serves until a signal.
const { values } = parseArgs({
  options: { port: { type: "string" }, log: { type: "string" } },
});
const model = await scriptedModel({
  ...(values.port === undefined ? {} : { port: Number(values.port) }),
  ...(values.log === undefined ? {} : { logFile: values.log }),
});
console.log(JSON.stringify({ url: model.url }));
for (const signal of ["SIGTERM", "SIGINT"] as const) {
  process.once(signal, () => void model.close());
}
