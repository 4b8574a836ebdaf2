import { assert, array, integer, property, string } from "fast-check";
import { expect, test } from "vitest";
import { readSseUsage } from "../src/process/meter/sse-usage.ts";
import { messageEvents, sse } from "./support/stub-upstream.ts";

test("finds what a stream says of its cost, however it is cut into pieces and whatever its texts are", () => {
  const texts = array(string({ unit: "binary", maxLength: 40 }), { maxLength: 5 });
  assert(
    property(texts, integer({ min: 1, max: 80 }), (said, size) => {
      const forged = sse("message_delta", { usage: { output_tokens: 9_999 } });
      const events = [...said, forged, 'their "usage"'].flatMap((text) => messageEvents(text));
      const heard = read(events.join(""), size);
      expect(heard).toEqual(
        [...said, forged, ""].flatMap(() => [
          [{ input_tokens: 3, output_tokens: 1 }, false],
          [{ output_tokens: 3 }, true],
        ]),
      );
    }),
    { numRuns: 30 },
  );
});

test("takes lines that end as on other systems, and passes over what is no JSON or too long", () => {
  const long = `data: {"usage":"${"x".repeat(300_000)}"}\n`;
  const text = `data: {"usage":{"n":1}}\r\n${long}data: {"usage"\nevent: usage"\ndata: {"usage":{"n":2}}\n`;
  expect(read(text, 10_000)).toEqual([
    [{ n: 1 }, true],
    [{ n: 2 }, true],
  ]);
});

function read(text: string, size: number): [unknown, boolean][] {
  const heard: [unknown, boolean][] = [];
  const take = readSseUsage((usage, isFinal) => heard.push([usage, isFinal]));
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += size) take(bytes.subarray(at, at + size));
  return heard;
}
