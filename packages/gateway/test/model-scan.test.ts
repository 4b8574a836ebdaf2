import { array, assert, integer, jsonValue, property, record, string } from "fast-check";
import { expect, test } from "vitest";
import { scanModel } from "../src/process/meter/model-scan.ts";

test("finds the model of any body, however it is cut into pieces", () => {
  const body = record({
    before: jsonValue(),
    model: string({ unit: "binary", maxLength: 20 }),
    messages: array(record({ model: string(), content: jsonValue() })),
  });
  assert(
    property(body, integer({ min: 1, max: 50 }), (value, size) => {
      expect(scanned(JSON.stringify(value), size)).toBe(value.model);
    }),
  );
});

test.each([
  ["escaped letters in the key", '{"mod\\u0065l":"m"}', "m"],
  ["the last of two, as parsers have it", '{"model":"a","model":"b"}', "b"],
  ["not a model further in", '{"x":{"model":"a"},"y":[{"model":"b"}]}', null],
  ["not a value that reads model", '{"x":"model","y":"m"}', null],
  ["no number", '{"model":5}', null],
  ["no text without end", `{"model":"${"m".repeat(10_000)}"}`, null],
  ["nothing in nothing", "", null],
])("%s", (_, text, model) => {
  expect(scanned(text, 7)).toBe(model);
});

function scanned(text: string, size: number): string | null {
  const scan = scanModel();
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += size) scan.take(bytes.subarray(at, at + size));
  return scan.model;
}
