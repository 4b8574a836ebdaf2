import { describe, expect, test } from "vitest";
import type { TrackerOperation } from "@waybill/core";
import { performUntilDone } from "@waybill/core/testing";
import { tally } from "@waybill/tracker-client/testing";
import { boardWithClient, callOf } from "./boards.ts";
import { seededRandom } from "./seeded-random.ts";

const operations = 300;
const targets = ["alpha", "beta", "gamma"];

describe.each([{ keys: true }, { keys: false }])(
  `${operations} operations through random faults`,
  ({ keys }) => {
    test(`are delivered exactly once each and in their order, with keys: ${keys}`, async () => {
      const { board, tracker } = await boardWithClient({
        keys,
        random: seededRandom(20_26),
        seed: {
          chats: targets.map((id) => ({ id })),
          tasks: targets.map((id) => ({ id, title: id })),
        },
        client: { idempotencyKeys: keys, timeoutMs: 250 },
      });
      const often = { times: null, chance: 0.08 };
      board.faults.add(
        { do: "drop", when: "before", ...often },
        { do: "drop", when: "after", ...often },
        { do: "garbage", ...often },
        { do: "status", status: 503, ...often },
        { do: "status", status: 429, retryAfter: 0, ...often },
        // Past the timeout, and after the commit: a delay before it is what no look-up can see through.
        { do: "delay", when: "after", ms: 400, times: null, chance: 0.02 },
      );
      const asked: string[] = [];
      let attempts = 0;
      let lookups = 0;
      const lanes = targets.map(async (target, lane) => {
        for (let index = lane; index < operations; index += targets.length) {
          const operation = operationNumber(index, target);
          asked.push(operation.content);
          const done = await performUntilDone(
            tracker,
            callOf(operation, `session.1/run-a/${index}`),
          );
          expect(done.receipt.id).toMatch(/^[mc]-\d+$/);
          attempts += done.attempts;
          lookups += done.lookups;
        }
      });
      await Promise.all(lanes);
      board.faults.clear();

      expect(tally(board.records, asked)).toMatchObject({
        asked: 300,
        delivered: 300,
        lost: 0,
        repeated: 0,
      });
      expect(attempts).toBeGreaterThan(operations);
      // The faults must have been there: with keys the board absorbs, without them we look up.
      expect(board.absorbed > 0).toBe(keys);
      expect(lookups > 0).toBe(!keys);
      for (const target of targets) {
        const said = board.records.messages.filter(({ chat_id }) => chat_id === target);
        expect(numbersOf(said)).toEqual(numbersOf(said).toSorted((a, b) => a - b));
        const noted = board.records.comments.filter(({ task_id }) => task_id === target);
        expect(numbersOf(noted)).toEqual(numbersOf(noted).toSorted((a, b) => a - b));
      }
    });
  },
);

function operationNumber(
  index: number,
  target: string,
): TrackerOperation & { readonly content: string } {
  const content = `№ ${index}`;
  return index % 2 === 0
    ? { type: "chat.send", chat: target, content }
    : { type: "task.comment", task: target, content };
}

function numbersOf(rows: readonly { readonly content: string }[]): number[] {
  return rows.map(({ content }) => Number(content.slice(2)));
}
