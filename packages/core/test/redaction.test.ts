import { describe, expect, test } from "vitest";
import { createOrchestrator } from "@waybill/core";
import { chat, fakeTracker, fakeWorld, operation, reply } from "@waybill/core/testing";
import { redactor } from "../src/runtime/redactor.ts";

const secret = "sk-very-secret-0815";

describe("redaction", () => {
  test("a whole session writes no secret: not in events, not in logs, not to listeners", async () => {
    const { board } = fakeTracker({ chats: ["7"] });
    const world = fakeWorld(
      {
        coder: [
          operation(chat("7", `the key is ${secret}`)),
          reply(`I used ${secret} and tok_12345`),
        ],
      },
      { tracker: () => fakeTracker({ board }) },
    );
    const written: string[] = [];
    const note = (...values: unknown[]): void => void written.push(JSON.stringify(values));
    const logger = { debug: note, info: note, warn: note, error: note };
    await using orchestrator = await createOrchestrator({
      ...world.ports(),
      logger,
      redact: { secrets: [secret], patterns: [/tok_\d+/g] },
    });
    orchestrator.onAny(note);
    const session = await orchestrator.open({ id: "s", agent: "coder", scope: { chats: ["7"] } });
    await session.ask(`use ${secret}`);
    for await (const page of world.store.readAll()) note(page);
    const all = written.join("\n");
    expect(all).toContain("the key is [redacted]");
    expect(all).toContain("I used [redacted] and [redacted]");
    expect(all).not.toContain(secret);
    expect(all).not.toContain("tok_12345");
    expect(board.messages.map(({ content }) => content)).toEqual(["the key is [redacted]"]);
  });

  test("a secret that is split over pieces of a stream is found, at every place of the split", () => {
    const text = `before ${secret} after`;
    for (let split = 0; split <= text.length; split += 1) {
      const stream = redactor({ secrets: [secret] }).stream();
      const out =
        stream.push(text.slice(0, split)) + stream.push(text.slice(split)) + stream.flush();
      expect(out).toBe("before [redacted] after");
    }
  });

  test("a pattern without the flag g, and a secret of three letters, are mistakes", () => {
    expect(() => redactor({ patterns: [/x/] })).toThrow(TypeError);
    expect(() => redactor({ secrets: ["abc"] })).toThrow(TypeError);
  });
});
