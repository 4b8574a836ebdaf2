import { readFile, readdir } from "node:fs/promises";
import { join, resolve } from "node:path";

import {
  activitySchema,
  letterEnvelopeSchema,
  protocolJsonSchemas,
  readWord,
  startSchema,
  writeLetter,
} from "@waybill/ipc-fs/protocol";
import type { Letter } from "@waybill/core";
import { expect, test } from "vitest";

const folder = resolve(import.meta.dirname, "../../../docs/protocol");

test("the JSON Schemas in docs/protocol are those of the code", async () => {
  const schemas = protocolJsonSchemas();
  const files = Object.keys(schemas).map((name) => `${name}.schema.json`);
  const there = (await readdir(folder)).filter((name) => name.endsWith(".schema.json"));
  expect(there.toSorted()).toEqual(files.toSorted());
  for (const [name, schema] of Object.entries(schemas)) {
    expect(JSON.parse(await readFile(join(folder, `${name}.schema.json`), "utf8"))).toEqual(schema);
  }
});

test("every line of the transcript in docs/protocol.md is what the code reads and writes", async () => {
  const page = await readFile(join(folder, "../protocol.md"), "utf8");
  const transcript = /```text transcript\n([^`]+)```/.exec(page)?.[1]?.trim().split("\n") ?? [];
  expect(transcript.length).toBe(12);
  for (const line of transcript) {
    const path = line.slice(0, line.indexOf(" "));
    const json = line.slice(line.indexOf(" ") + 1);
    expect(checked(path, json)).toBe(path);
  }
});

/** The path under which the code itself would put this JSON. */
function checked(path: string, json: string): string {
  if (path === "stdin") {
    startSchema.parse(JSON.parse(json));
    return "stdin";
  }
  if (path === "outbox/.stream.jsonl") {
    activitySchema.parse(JSON.parse(json));
    return path;
  }
  if (path.startsWith("outbox/")) {
    const { seq } = JSON.parse(json);
    const reading = readWord(Buffer.from(json), seq);
    return reading.ok ? `outbox/${String(seq).padStart(16, "0")}.json` : reading.reason;
  }
  const { type, at, data } = letterEnvelopeSchema.parse(JSON.parse(json));
  const file = writeLetter({ type, ...data } as Letter, at);
  expect(JSON.parse(file.text)).toEqual(JSON.parse(json));
  return `inbox/${file.name}`;
}
