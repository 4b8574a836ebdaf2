import { afterAll, afterEach, beforeAll, beforeEach } from "vitest";
import { scriptedModel } from "../src/testing/index.ts";
import type { ScriptedModel } from "../src/testing/index.ts";
import { newConversation, newHome, removeHome, startRun } from "./run-harness.ts";
import type { Run, RunOptions } from "./run-harness.ts";

/** A scripted model for the file; a home and a conversation for each test. */
export interface AgentFixture {
  readonly model: ScriptedModel;
  readonly home: string;
  readonly conversation: string;
  /** Starts a run of the test's conversation; it is killed when the test ends. */
  start(options?: Partial<RunOptions>): Run;
}

export function agentFixture(): AgentFixture {
  let model: ScriptedModel;
  let home: string;
  let conversation: string;
  const runs: Run[] = [];
  beforeAll(async () => {
    model = await scriptedModel();
  });
  afterAll(() => model.close());
  beforeEach(() => {
    home = newHome();
    conversation = newConversation();
  });
  afterEach(() => {
    for (const run of runs.splice(0)) {
      if (run.child.exitCode === null && run.child.signalCode === null) run.kill();
    }
    removeHome(home);
  });
  return {
    get model() {
      return model;
    },
    get home() {
      return home;
    },
    get conversation() {
      return conversation;
    },
    start(options = {}) {
      const run = startRun({ home, modelUrl: model.url, conversation, ...options });
      runs.push(run);
      return run;
    },
  };
}
