// Places for runs, while what comes of a request for one is not recorded yet.
import { expect, test } from "vitest";
import { createOrchestrator, type OrchestratorOptions } from "@waybill/core";
import { fakeWorld, hang } from "@waybill/core/testing";

test("a place that a session was given stays its own while its run is being asked for", async () => {
  const world = fakeWorld({ coder: [hang()], writer: [hang()] });
  const asked = Promise.withResolvers<void>();
  const admit: OrchestratorOptions["admit"] = async ({ agent }) => {
    if (agent === "coder") await asked.promise;
  };
  await using orchestrator = await createOrchestrator({
    ...world.ports(),
    limits: { runs: 1 },
    admit,
  });
  const first = await orchestrator.open({ id: "first", agent: "coder" });
  const second = await orchestrator.open({ id: "second", agent: "writer" });
  await first.send("go");
  await second.send("go");
  await first.send("and this"); // something happens to the session that has no run yet
  await world.advance({ seconds: 1 });
  expect(world.host.live()).toHaveLength(0);

  asked.resolve();
  await world.advance({ seconds: 1 });
  expect(world.host.live().map(({ spec }) => spec.sessionId)).toEqual(["first"]);
});

test("a place is another's when a session left its own before its run was asked for", async () => {
  const world = fakeWorld({ coder: [], writer: [hang()] });
  const never = Promise.withResolvers<void>();
  const admit: OrchestratorOptions["admit"] = ({ agent }, signal) => {
    signal.addEventListener("abort", () => never.resolve());
    return agent === "coder" ? never.promise : Promise.resolve();
  };
  await using orchestrator = await createOrchestrator({
    ...world.ports(),
    limits: { runs: 1 },
    admit,
  });
  const first = await orchestrator.open({ id: "first", agent: "coder" });
  const second = await orchestrator.open({ id: "second", agent: "writer" });
  await first.send("go");
  await second.send("go");
  await world.advance({ seconds: 1 });
  expect(world.host.live()).toHaveLength(0);

  await first.stop();
  await world.advance({ seconds: 1 });
  expect(world.host.live().map(({ spec }) => spec.sessionId)).toEqual(["second"]);
});
