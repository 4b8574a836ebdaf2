import assert from "node:assert/strict";
import type { Letter } from "../../ports/mailbox.ts";
import type { ContractAgent, MailboxClauses } from "../mailbox-contract.ts";

/** That every letter is put once, however often it is put. */
export function putClauses(): MailboxClauses {
  return {
    "a message is found by the agent": async ({ mailbox, run, agent }) => {
      const plan = await mailbox.prepare(run());
      await mailbox.put(plan, message(1, 'Привет, "мир"\n---AGENT_OUTPUT_END---'));
      assert.deepEqual(await textsOf(agent(plan)), ['Привет, "мир"\n---AGENT_OUTPUT_END---']);
    },
    "putting a message again changes nothing": async (fixture) => {
      const plan = await fixture.mailbox.prepare(fixture.run());
      await fixture.mailbox.put(plan, message(1, "once"));
      await fixture.mailbox.put(plan, message(1, "once"));
      await (await fixture.another()).put(plan, message(1, "once"));
      assert.deepEqual(await textsOf(fixture.agent(plan)), ["once"]);
    },
    "a second delivery of a message is another letter": async ({ mailbox, run, agent }) => {
      const plan = await mailbox.prepare(run());
      await mailbox.put(plan, message(1, "again"));
      await mailbox.put(plan, { ...message(1, "again"), delivery: 2 });
      assert.deepEqual(await textsOf(agent(plan)), ["again", "again"]);
    },
    "messages are found in the order of their positions": async ({ mailbox, run, agent }) => {
      const plan = await mailbox.prepare(run());
      for (let position = 1; position <= 20; position += 1) {
        await mailbox.put(plan, message(position, `text ${position}`));
      }
      const expected = Array.from({ length: 20 }, (_, index) => `text ${index + 1}`);
      assert.deepEqual(await textsOf(agent(plan)), expected);
    },
    "preparing a run again keeps the letters that lie there": async ({ mailbox, run, agent }) => {
      const spec = run();
      const plan = await mailbox.prepare(spec);
      await mailbox.put(plan, message(1, "stay"));
      await mailbox.prepare(spec);
      assert.deepEqual(await textsOf(agent(plan)), ["stay"]);
    },
    "a letter reaches its run and no other of the session": async (fixture) => {
      const { mailbox, run, agent } = fixture;
      const first = await mailbox.prepare(run());
      const second = await mailbox.prepare(run({ sessionId: first.sessionId }));
      await mailbox.put(first, message(1, "for the first"));
      assert.deepEqual(await textsOf(agent(second)), []);
      assert.deepEqual(await textsOf(agent(first)), ["for the first"]);
    },
    "a close is found after the messages": async ({ mailbox, run, agent }) => {
      const plan = await mailbox.prepare(run());
      await mailbox.put(plan, message(1, "first"));
      await mailbox.put(plan, { type: "close", reason: "done", deadlineMs: 5_000 });
      await mailbox.put(plan, { type: "close", reason: "done", deadlineMs: 5_000 });
      const letters = await agent(plan).letters();
      assert.deepEqual(
        letters.map(({ type }) => type),
        ["message", "close"],
      );
    },
    "an answer is found under the number of its operation, with its data": async (fixture) => {
      const { mailbox, run, agent } = fixture;
      const plan = await mailbox.prepare(run());
      const delivered: Letter = {
        type: "answer",
        re: 2,
        status: "delivered",
        data: { id: "c-1", ok: [1, null] },
      };
      const rejected: Letter = {
        type: "answer",
        re: 7,
        status: "rejected",
        error: { code: "NOT_YOURS", message: "No." },
      };
      await mailbox.put(plan, delivered);
      await mailbox.put(plan, rejected);
      await mailbox.put(plan, delivered);
      assert.deepEqual(await agent(plan).letters(), [delivered, rejected]);
    },
    "an interrupt names its turn": async ({ mailbox, run, agent }) => {
      const plan = await mailbox.prepare(run());
      await mailbox.put(plan, { type: "interrupt", turn: "turn-1" });
      await mailbox.put(plan, { type: "interrupt", turn: "turn-1" });
      assert.deepEqual(await agent(plan).letters(), [{ type: "interrupt", turn: "turn-1" }]);
    },
    "a message keeps its id, delivery, position and sender": async ({ mailbox, run, agent }) => {
      const plan = await mailbox.prepare(run());
      const letter: Letter = { ...message(3, "who?"), delivery: 2, from: "Анна" };
      await mailbox.put(plan, letter);
      assert.deepEqual(await agent(plan).letters(), [letter]);
    },
  };
}

function message(position: number, text: string): Extract<Letter, { type: "message" }> {
  return { type: "message", id: `message-${position}`, delivery: 1, position, text, from: null };
}

async function textsOf(agent: ContractAgent): Promise<readonly string[]> {
  const letters = await agent.letters();
  return letters.flatMap((letter) => (letter.type === "message" ? [letter.text] : []));
}
