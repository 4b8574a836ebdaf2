// Every rule of the core in short stories, told decision by decision. What they come to stands in
// golden/decisions.json, to be read by people: a change of a rule shows there as a diff. To accept one,
// run the test with WAYBILL_GOLDEN=write, and read what changed before it is committed.
import { readFileSync, writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { storiesOfLife } from "./decisions/stories-of-life.ts";
import { storiesOfOperations } from "./decisions/stories-of-operations.ts";
import { storiesOfRuns } from "./decisions/stories-of-runs.ts";
import type { Story } from "./decisions/story.ts";

const file = new URL("golden/decisions.json", import.meta.url);
const stories: Readonly<Record<string, () => Story>> = {
  ...storiesOfLife,
  ...storiesOfRuns,
  ...storiesOfOperations,
};

if (process.env["WAYBILL_GOLDEN"] === "write") {
  const told = Object.entries(stories).map(([name, play]) => [name, play().lines]);
  writeFileSync(file, `${JSON.stringify(Object.fromEntries(told), null, 2)}\n`);
}
const golden = JSON.parse(readFileSync(file, "utf8")) as Record<string, readonly string[]>;

describe("decisions", () => {
  test.each(Object.entries(stories))("%s", (name, play) => {
    expect(play().lines).toEqual(golden[name]);
  });

  test("every story that is told is still played", () => {
    expect(Object.keys(golden)).toEqual(Object.keys(stories));
  });
});
