// Every event of every released schema has a golden sample, folds, and is described in docs/events.md
// with exactly its fields.
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { eventSchemas, evolve, unopened, type SessionEvent } from "@waybill/core";
import { given } from "@waybill/core/testing";
import { past } from "./pasts.ts";

const read = (path: string): string => readFileSync(new URL(path, import.meta.url), "utf8");
const golden = JSON.parse(read("golden/v1.json")) as Record<string, Record<string, unknown>>;
const page = read("../../../docs/events.md");

test("every event type has a golden sample of schema 1, and nothing else has", () => {
  expect(Object.keys(golden).toSorted()).toEqual(Object.keys(eventSchemas).toSorted());
});

describe.each(Object.entries(golden))("%s", (type, data) => {
  const event = { type, data, recordedAt: 2_000_000 } as unknown as SessionEvent & {
    recordedAt: number;
  };

  test("folds into any state without a throw", () => {
    const states = [unopened("s-1"), ...Object.values(past).map((make) => given(make()).state)];
    for (const state of states) expect(evolve(state, event).version).toBe(state.version + 1);
  });

  test("does not change the state that it is folded into", () => {
    const state = given(past.accepted()).state;
    const before = structuredClone(state);
    evolve(state, event);
    expect(state).toEqual(before);
  });

  test("stands in docs/events.md with its fields", () => {
    const row = page.split("\n").find((line) => line.startsWith(`| \`${type}\``));
    expect(row, `docs/events.md has no row for ${type}`).toBeDefined();
    const fields = [...(row?.split("|")[2] ?? "").matchAll(/`(\w+)`/g)].map(([, name]) =>
      String(name),
    );
    expect(fields.toSorted()).toEqual(Object.keys(data).toSorted());
  });
});
