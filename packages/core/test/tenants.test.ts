// Whose board a session works on: one client for each tenant, with its address and credentials.
import { afterEach, expect, test } from "vitest";
import { createOrchestrator, WaybillError, type Orchestrator, type TrackerOf } from "@waybill/core";
import { chat, fakeTracker, fakeWorld, operation, reply } from "@waybill/core/testing";

const orchestrators: Orchestrator[] = [];
afterEach(async () => {
  for (const orchestrator of orchestrators.splice(0)) await orchestrator[Symbol.asyncDispose]();
});

const boards = { acme: fakeTracker({ chats: ["7"] }), globex: fakeTracker({ chats: ["7"] }) };
const script = [operation(chat("7", "hi")), reply("ok")];

async function start(tracker: TrackerOf) {
  const world = fakeWorld({ coder: [...script, ...script] });
  const orchestrator = await createOrchestrator({ ...world.ports(), tracker });
  orchestrators.push(orchestrator);
  return { world, orchestrator };
}

test("a session works on its tenant's board, over a restart of the orchestrator too", async () => {
  const asked: (string | null)[] = [];
  const tracker: TrackerOf = (tenant) => {
    asked.push(tenant);
    const board = boards[tenant as keyof typeof boards];
    return fakeTracker({ board: board.board });
  };
  const world = fakeWorld({ coder: [...script, ...script] });
  const orchestrator = await createOrchestrator({ ...world.ports(), tracker });
  const scope = { chats: ["7"] };
  const mine = await orchestrator.open({ id: "a", agent: "coder", scope, tenant: "acme" });
  await mine.ask("go");
  expect(boards.acme.board.messages).toHaveLength(1);
  expect(boards.globex.board.messages).toHaveLength(0);
  const theirs = await orchestrator.open({ id: "b", agent: "coder", scope, tenant: "globex" });
  await theirs.send("go");
  world.crash();
  orchestrators.push(await createOrchestrator({ ...world.ports(), tracker }));
  await world.advance({ seconds: 30 });
  expect(boards.globex.board.messages.map(({ key }) => key)).toEqual([
    expect.stringMatching(/^b\//),
  ]);
  expect(boards.acme.board.messages).toHaveLength(1);
  // Once for each tenant and orchestrator, not once for each call.
  expect(asked).toEqual(["acme", "globex", "acme", "globex"]);
});

test("a session of one tenant is not opened for another, nor for nobody", async () => {
  const { orchestrator } = await start(() => fakeTracker({ board: boards.acme.board }));
  await orchestrator.open({ id: "a", agent: "coder", tenant: "acme" });
  const refused = { code: "TENANT_MISMATCH", message: expect.stringMatching(/tenant "acme"/) };
  const other = orchestrator.open({ id: "a", agent: "coder", tenant: "globex" });
  await expect(other).rejects.toMatchObject(refused);
  await expect(orchestrator.open({ id: "a", agent: "coder" })).rejects.toMatchObject(refused);
});

test("a tenant that nobody knows is refused before anything is recorded", async () => {
  const { world, orchestrator } = await start((tenant) => {
    throw new WaybillError("TENANT_UNKNOWN", `There is no tenant "${tenant}".`);
  });
  const opening = orchestrator.open({ id: "a", agent: "coder", tenant: "initech" });
  await expect(opening).rejects.toMatchObject({ code: "TENANT_UNKNOWN" });
  expect(await orchestrator.list()).toEqual([]);
  for await (const page of world.store.readAll()) expect(page).toEqual([]);
});

test("a fork belongs to its parent's tenant", async () => {
  const { orchestrator } = await start(() => fakeTracker({ board: boards.acme.board }));
  const parent = await orchestrator.open({
    id: "a",
    agent: "coder",
    scope: { chats: ["7"] },
    tenant: "acme",
  });
  await parent.ask("go");
  const child = await parent.fork({ id: "b" });
  expect((await child.state()).tenant).toBe("acme");
});
