import { createOrchestrator, type NewEvent } from "@waybill/core";
import { chat, fakeBoard, fakeTracker, fakeWorld, operation, reply } from "@waybill/core/testing";

/**
 * A release that meets what a later one wrote must leave the session alone: a receipt that it skipped
 * would make it deliver twice. Gives what it did all the same.
 */
export async function logOfTomorrow(): Promise<readonly string[]> {
  const board = fakeBoard(["7"], []);
  const script = [operation(chat("7", "once")), reply("ok")];
  const world = fakeWorld(
    { coder: script },
    { tracker: () => fakeTracker({ board, keys: false, fault: () => ({ type: "unavailable" }) }) },
  );
  const today = await createOrchestrator(world.ports());
  const session = await today.open({ id: "s", agent: "coder", scope: { chats: ["7"] } });
  await session.send("Go.");
  await world.clock.settle();
  world.crash();
  // The later release delivered it, in its own way, and wrote so in its own words.
  board.carryOut(
    { key: "by-tomorrow", operation: chat("7", "once"), by: { slug: "coder", name: "coder" } },
    0,
    false,
    null,
  );
  const { version } = await session.state();
  await world.store.append("s", version, [tomorrowsReceipt]);

  const again = fakeWorld(
    { coder: [] },
    { store: world.store, tracker: () => fakeTracker({ board, keys: false }) },
  );
  await createOrchestrator(again.ports());
  await again.advance({ minutes: 10 });

  const problems: string[] = [];
  if (board.messages.length > 1) problems.push("what a later release had delivered was done again");
  for await (const page of again.store.read("s", { from: version + 2 })) {
    for (const { type } of page) problems.push(`a log that a later release wrote got a ${type}`);
  }
  return problems;
}

const tomorrowsReceipt: NewEvent = {
  id: "tomorrow",
  type: "OperationsSettledTogether",
  data: {},
  schema: 1,
  recordedAt: 0,
  causation: null,
  mustUnderstand: true,
};
