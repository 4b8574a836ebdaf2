// A conversation that grows too long for the model: with the real SDK.
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { agentFixture } from "../agent-fixture.ts";
import { lastRequest } from "../model-requests.ts";
import { script } from "../run-harness.ts";

const at = agentFixture();
// So that it is too long already: nobody waits for 200,000 tokens here.
const env = { CLAUDE_CODE_AUTO_COMPACT_WINDOW: "100000", CLAUDE_AUTOCOMPACT_PCT_OVERRIDE: "50" };

test("a conversation is archived as Markdown before its beginning is summarized, and goes on", async () => {
  const run = at.start({ env });
  const used = script(
    `tool Bash {"command":"echo '\`\`\`\`' almond"}`,
    "usage input=90000",
    "say noted",
  );
  run.send("m-1", `The word of the day is marzipan.\n${used}`);
  await run.word("turn_ended");
  run.send("m-2", script("say and on"));
  const ended = await run.word("turn_ended", (word) => word.turn === "t2");
  expect(ended).toMatchObject({ outcome: "completed", text: "and on" });

  expect(run.activities()).toContainEqual({ type: "compacting" });

  const folder = join(at.home, "state", "archives");
  const [file = "", ...others] = readdirSync(folder);
  expect(others).toEqual([]);
  expect(file.startsWith(`${at.conversation}.`) && file.endsWith(".md")).toBe(true);
  expect(run.stderr()).toContain(file);
  const archive = readFileSync(join(folder, file), "utf8");
  expect(archive).toMatch(/^# Conversation [0-9a-f-]{36}$/m);
  expect(archive).toMatch(/^## Message.*\n\nThe word of the day is marzipan\.$/m);
  expect(archive).toMatch(/^Uses `Bash`:\n\n`````\n\{$/m);
  // A fence inside of what a tool gave does not end the block.
  expect(archive).toMatch(/^## Tool.*\n\n`````\n```` almond\n`````$/m);
  expect(archive).toMatch(/^## Agent.*\n\nnoted$/m);
  // What the model is shown now begins with the summary.
  expect(lastRequest(at.model, at.conversation).texts[0]).toMatch(/continued from a previous conv/);

  run.close();
  await run.exit();
  const next = at.start({ env, resume: true, unsettled: ["m-1", "m-2", "m-3"] });
  expect(await next.word("hello")).toMatchObject({ context: "resumed", holds: ["m-1", "m-2"] });
});
