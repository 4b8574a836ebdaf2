// A board for each tenant, and a dispatcher for each board, on one store.
import { expect, test } from "vitest";
import { createOrchestrator, runDispatcher } from "@waybill/core";
import { chat, fakeTracker, fakeWorld, operation, reply } from "@waybill/core/testing";

test("two tenants' boards are dispatched beside each other, also where their tasks have the same id", async () => {
  const boards = { acme: fakeTracker(), globex: fakeTracker() };
  const said = operation(chat("general", "I am on it"));
  const world = fakeWorld({ coder: [said, reply("1"), said, reply("2")] });
  const trackerOf = (tenant: string | null) => boards[tenant as keyof typeof boards];
  await using orchestrator = await createOrchestrator({ ...world.ports(), tracker: trackerOf });
  const stopping = new AbortController();
  const running = Object.entries(boards).map(([tenant, tracker]) =>
    runDispatcher({
      orchestrator,
      store: world.store,
      tracker,
      rules: { agents: { coder: { name: "Coder", scope: { chats: ["general"] } } }, tenant },
      signal: stopping.signal,
      ignoreBefore: 0,
      clock: world.clock,
    }),
  );
  for (const { board } of Object.values(boards)) {
    board.people.task({ id: "task-1", title: "Mend it", assignedTo: "coder" });
    await world.advance({ seconds: 1 });
  }
  for (const { board } of Object.values(boards)) {
    expect(board.messages.map(({ content }) => content)).toEqual(["I am on it"]);
  }
  const sessions = await orchestrator.list();
  const states = await Promise.all(sessions.map(({ id }) => orchestrator.session(id).state()));
  expect(new Set(states.map(({ tenant }) => tenant))).toEqual(new Set(["acme", "globex"]));

  boards.acme.board.people.task({ id: "task-1", status: "cancelled" });
  await world.advance({ minutes: 5 });
  const ended: Record<string, string> = {};
  for (const { id, tenant } of states) {
    ended[tenant ?? "nobody"] = await orchestrator.session(id).status();
  }
  expect(ended).toEqual({ acme: "stopped", globex: "idle" });
  stopping.abort();
  await Promise.all(running);
});
