import assert from "node:assert/strict";
import type { Clauses } from "../transport-contract.ts";
import type { Observer } from "./observe.ts";

/** What a run finds around it: streams, paths, environment, names. */
export function surroundingsClauses({ ended }: Observer): Clauses {
  return {
    "stdin, stdout and stderr are the plan's files": async (fixture) => {
      const plan = await fixture.plan({ program: { do: "show" }, stdin: "one word" });
      await fixture.transport.start(plan);
      assert.equal((await ended(fixture.transport, plan)).exitCode, 0);
      assert.match(await fixture.output(plan, "stdout"), /^ready\nstdin one word\n/u);
      assert.match(await fixture.output(plan, "stderr"), /a word of complaint/u);
    },
    "paths in the environment and the cwd are right as the run sees them": async (fixture) => {
      const plan = await fixture.plan({ program: { do: "show" }, letter: "found me" });
      await fixture.transport.start(plan);
      await ended(fixture.transport, plan);
      const said = await fixture.output(plan, "stdout");
      assert.match(said, /^by path found me$/mu);
      assert.match(said, /^by cwd found me$/mu);
    },
    "the environment is the plan's, and none of the host's secrets": async (fixture) => {
      process.env["CONTRACT_SECRET"] = "of-the-host";
      try {
        const plan = await fixture.plan({
          program: { do: "show" },
          env: { CONTRACT_WORD: "given" },
        });
        await fixture.transport.start(plan);
        await ended(fixture.transport, plan);
        const said = await fixture.output(plan, "stdout");
        assert.match(said, /^env CONTRACT_WORD=given$/mu);
        assert.ok(!said.includes("of-the-host"), "the host's own environment reached the run");
      } finally {
        delete process.env["CONTRACT_SECRET"];
      }
    },
    "Unicode survives in names, letters and streams": async (fixture) => {
      const env = { CONTRACT_NAME: "Кодер 🛠 café" };
      const words = { stdin: "привет, «мир»", letter: "Ærø → 東京" };
      const plan = await fixture.plan({ program: { do: "show" }, env, ...words });
      await fixture.transport.start(plan);
      await ended(fixture.transport, plan);
      const said = await fixture.output(plan, "stdout");
      assert.match(said, /^env CONTRACT_NAME=Кодер 🛠 café$/mu);
      assert.match(said, /^stdin привет, «мир»$/mu);
      assert.match(said, /^by path Ærø → 東京$/mu);
    },
  };
}
