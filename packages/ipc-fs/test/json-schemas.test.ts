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

test("every line of the transcripts in docs/protocol.md is what the code reads and writes", async () => {
  const page = await readFile(join(folder, "../protocol.md"), "utf8");
  const transcripts = [...page.matchAll(/```text transcript\n([^`]+)```/g)].map(
    ([, lines]) => lines?.trim().split("\n") ?? [],
  );
  expect(transcripts.map(({ length }) => length)).toEqual([12, 12, 7]);
  for (const transcript of transcripts) {
    const words: number[] = [];
    for (const line of transcript) {
      const path = line.slice(0, line.indexOf(" "));
      const json = line.slice(line.indexOf(" ") + 1);
      expect(checked(path, json)).toBe(path);
      const number = /^outbox\/(\d{16})\.json$/.exec(path)?.[1];
      if (number !== undefined) words.push(Number(number));
    }
    expect(words).toEqual(words.map((_, index) => index + 1));
  }
});

test("docs/protocol.md names every type and every field of the schemas", async () => {
  const page = await readFile(join(folder, "../protocol.md"), "utf8");
  const named = new Set([...page.matchAll(/`([A-Za-z_.]+)\??`/g)].map(([, name]) => name));
  const { word, letter, activity, start } = protocolJsonSchemas();
  const missing = [...namesIn([word, letter, activity, start])].filter(
    (name) => !named.has(name) && !page.includes(`"${name}"`) && !page.includes(`${name}?`),
  );
  expect(missing).toEqual([]);
});

/** The property names and the constant types of JSON Schemas. */
function* namesIn(schema: unknown): Generator<string> {
  if (typeof schema !== "object" || schema === null) return;
  for (const [key, value] of Object.entries(schema)) {
    if (key === "const" && typeof value === "string") yield value;
    if (key === "properties") yield* Object.keys(value as object);
    yield* namesIn(value);
  }
}

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
