import assert from "node:assert/strict";
import { stat } from "node:fs/promises";
import type { MailboxClauses } from "../mailbox-contract.ts";
import { planEnvironment } from "../../ports/run-plan.ts";

/** That a plan names what exists, and that making it again changes nothing. */
export function prepareClauses(): MailboxClauses {
  return {
    "check() resolves where runs could be prepared": async ({ mailbox }) => {
      await mailbox.check();
    },
    "prepare() gives a plan in which everything that it names exists": async ({ mailbox, run }) => {
      const plan = await mailbox.prepare(run());
      for (const { host } of [...plan.folders, plan.launch, { host: plan.control }]) {
        assert.ok((await stat(host)).isDirectory(), `${host} is no folder`);
      }
      for (const { host } of [plan.stdin, plan.stdout, plan.stderr]) {
        assert.ok((await stat(host)).isFile(), `${host} is no file`);
      }
      assert.ok(
        plan.folders.some(({ at }) => at === plan.cwd),
        "the run starts in no planned folder",
      );
      planEnvironment(plan, "host");
    },
    "a plan says of the run what its spec said": async ({ mailbox, run }) => {
      const spec = run();
      const { owner, sessionId, runId, epoch, protocol } = await mailbox.prepare(spec);
      assert.deepEqual(
        { owner, sessionId, runId, epoch, protocol },
        {
          owner: spec.owner,
          sessionId: spec.sessionId,
          runId: spec.runId,
          epoch: spec.epoch,
          protocol: spec.protocol,
        },
      );
    },
    "prepare() again gives the same plan": async ({ mailbox, run }) => {
      const spec = run();
      const first = await mailbox.prepare(spec);
      assert.deepEqual(await mailbox.prepare(spec), first);
    },
    "prepare() after a restart of the host gives the same plan": async (fixture) => {
      const spec = fixture.run();
      const first = await fixture.mailbox.prepare(spec);
      assert.deepEqual(await (await fixture.another()).prepare(spec), first);
    },
    "the agent finds its name on standard input": async ({ mailbox, run, agent }) => {
      const plan = await mailbox.prepare(run({ agent: { slug: "coder", name: "Кодер" } }));
      assert.match(await agent(plan).start(), /Кодер/);
    },
    "runs of a session share the workspace and nothing else that both may write": async (
      fixture,
    ) => {
      const first = await fixture.mailbox.prepare(fixture.run());
      const second = await fixture.mailbox.prepare(fixture.run({ sessionId: first.sessionId }));
      const shared = first.folders.filter(({ host }) =>
        second.folders.some((other) => other.host === host),
      );
      assert.ok(
        shared.some(({ at }) => at === "/workspace"),
        "they have different workspaces",
      );
      assert.notEqual(first.control, second.control);
      assert.notEqual(first.launch.host, second.launch.host);
      assert.notEqual(first.stdout.host, second.stdout.host);
    },
  };
}
