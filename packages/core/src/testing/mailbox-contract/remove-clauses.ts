import assert from "node:assert/strict";
import { stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { isWaybillError } from "../../errors.ts";
import type { Letter } from "../../ports/mailbox.ts";
import type { MailboxClauses } from "../mailbox-contract.ts";
import type { Listener } from "./listen.ts";

const LETTER: Letter = {
  type: "message",
  id: "m1",
  delivery: 1,
  position: 1,
  text: "hi",
  from: null,
};

/** That a removed run is gone, and what outlives it is not. */
export function removeClauses({ drain }: Listener): MailboxClauses {
  return {
    "remove() is safe to repeat": async ({ mailbox, run }) => {
      const plan = await mailbox.prepare(run());
      await mailbox.remove(plan);
      await mailbox.remove(plan);
    },
    "locate() finds a run's records before, in and after its life, and makes nothing": async ({
      mailbox,
      run,
    }) => {
      const spec = run();
      const { control, launch } = mailbox.locate(spec);
      await assert.rejects(stat(control), { code: "ENOENT" });
      const plan = await mailbox.prepare(spec);
      assert.deepEqual([plan.control, plan.launch], [control, launch]);
      await mailbox.remove(mailbox.locate(spec));
      assert.deepEqual(mailbox.locate(spec), mailbox.locate(spec));
      await mailbox.remove(mailbox.locate(spec));
    },
    "a removed run says nothing more": async ({ mailbox, run, agent }) => {
      const plan = await mailbox.prepare(run());
      await agent(plan).say({ type: "hello", agent: "contract", context: "fresh", holds: [] });
      await mailbox.remove(plan);
      assert.deepEqual(await drain(mailbox, plan), []);
    },
    "a letter to a removed run is refused with a code": async ({ mailbox, run }) => {
      const plan = await mailbox.prepare(run());
      await mailbox.remove(plan);
      await assert.rejects(
        mailbox.put(plan, LETTER),
        (error) => isWaybillError(error) && error.code !== "",
      );
    },
    "remove() keeps workspace, control and launch folder": async ({ mailbox, run }) => {
      const plan = await mailbox.prepare(run());
      await mailbox.remove(plan);
      const workspace = plan.folders.find(({ at }) => at === "/workspace");
      assert.ok(workspace !== undefined);
      for (const host of [workspace.host, plan.control, plan.launch.host]) {
        assert.ok((await stat(host)).isDirectory(), `${host} is gone`);
      }
    },
    "removing a run leaves the others of its session alone": async ({ mailbox, run, agent }) => {
      const first = await mailbox.prepare(run());
      const second = await mailbox.prepare(run({ sessionId: first.sessionId }));
      await mailbox.put(second, LETTER);
      await mailbox.remove(first);
      assert.equal((await agent(second).letters()).length, 1);
    },
    "erase() removes workspace and state of the session, for good, and is safe to repeat": async ({
      mailbox,
      run,
    }) => {
      const spec = run();
      const plan = await mailbox.prepare(spec);
      const other = await mailbox.prepare(run({ sessionId: "another" }));
      const written = plan.folders.filter(({ write }) => write);
      for (const { host } of written) await writeFile(join(host, "secret.txt"), "secret");
      await mailbox.remove(plan);
      await mailbox.erase(plan.sessionId);
      await mailbox.erase(plan.sessionId);
      for (const { host } of written) await assert.rejects(stat(host), { code: "ENOENT" });
      await assert.rejects(stat(plan.control), { code: "ENOENT" });
      const refused = (error: unknown): boolean => isWaybillError(error) && error.code !== "";
      await assert.rejects(mailbox.prepare(spec), refused);
      await assert.rejects(mailbox.prepare(run({ sessionId: plan.sessionId })), refused);
      for (const { host } of other.folders) assert.ok((await stat(host)).isDirectory());
    },
    "erase() of a session that had no run here still keeps one from being prepared": async ({
      mailbox,
      run,
    }) => {
      const spec = run();
      await mailbox.erase(spec.sessionId);
      await assert.rejects(mailbox.prepare(spec), isWaybillError);
    },
    "close() is safe to repeat": async ({ mailbox }) => {
      await mailbox.close();
      await mailbox.close();
    },
  };
}
