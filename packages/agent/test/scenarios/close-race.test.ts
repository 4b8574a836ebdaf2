// Two follow-ups and a close, at every moment of a turn: nothing that lies there is left behind.
import { expect, test } from "vitest";
import { agentFixture } from "../agent-fixture.ts";
import { script, type Run } from "../run-harness.ts";

const at = agentFixture();

/** When they come, told by what the run has just said. */
const moments: Record<string, (run: Run) => Promise<unknown>> = {
  "before the first turn": (run) => run.word("hello"),
  "as the turn begins": (run) => run.word("accepted"),
  "while the model speaks": async (run) => {
    await run.word("accepted");
    await expect
      .poll(() => run.activities().filter(({ type }) => type === "text"), { timeout: 20_000 })
      .not.toEqual([]);
  },
  "as the turn ends": (run) => run.word("turn_ended"),
};

test("two follow-ups and a close at any moment of a turn: each is answered once, in order, and then the run ends", async () => {
  for (const [name, moment] of Object.entries(moments)) {
    const run = at.start({ conversation: crypto.randomUUID() });
    run.send("m-1", script("pace 20", `say one ${"slowly ".repeat(20)}`));
    await moment(run);
    run.send("m-2", script("say two"));
    run.send("m-3", script("say three"));
    run.close();
    expect(await run.exit(), name).toEqual({ code: 0, signal: null });
    const accepted = run.words.flatMap((word) => (word.type === "accepted" ? [word] : []));
    expect(
      accepted.map(({ message }) => message),
      name,
    ).toEqual(["m-1", "m-2", "m-3"]);
    const ended = run.words.flatMap((word) => (word.type === "turn_ended" ? [word] : []));
    expect(new Set(ended.map(({ turn }) => turn)), name).toEqual(
      new Set(accepted.map(({ turn }) => turn)),
    );
    expect(new Set(ended.map(({ outcome }) => outcome)), name).toEqual(new Set(["completed"]));
    const texts = ended.map(({ text }) => text).join("\n");
    expect(texts, name).toMatch(/^one [^]*\btwo\b[^]*\bthree$/);
    expect(run.words.at(-1)?.type, name).toBe("bye");
  }
});
