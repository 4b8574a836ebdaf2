import { createOrchestrator } from "@waybill/core";
import type { SessionHandle } from "@waybill/core";
import { chat, fakeWorld, operation, reply } from "@waybill/core/testing";
import { expect, onTestFinished, test } from "vitest";
import { boardWithClient, clientOf } from "./boards.ts";

test("each tenant's sessions use its own address and token; one whose token is wrong harms nobody else", async () => {
  const acme = await boardWithClient();
  const globex = await boardWithClient();
  expect(acme.board.token).not.toBe(globex.board.token);
  const clients = new Map([
    ["acme", () => clientOf(acme.board)],
    ["globex", () => clientOf(globex.board)],
    ["mallory", () => clientOf({ url: globex.board.url, token: acme.board.token })],
  ]);
  const script = [operation(chat("general", "hi")), reply("ok")];
  const world = fakeWorld({ coder: [...script, ...script, ...script] });
  const orchestrator = await createOrchestrator({
    ...world.ports(),
    tracker: (tenant) => clients.get(tenant ?? "")?.() ?? null,
  });
  onTestFinished(() => orchestrator[Symbol.asyncDispose]());
  const open = (tenant: string): Promise<SessionHandle> =>
    orchestrator.open({ id: tenant, agent: "coder", scope: { chats: ["general"] }, tenant });

  await (await open("acme")).ask("go");
  await (await open("globex")).ask("go");
  await (await open("mallory")).ask("go");
  expect(acme.board.records.messages.map(({ content }) => content)).toEqual(["hi"]);
  expect(globex.board.records.messages.map(({ content }) => content)).toEqual(["hi"]);
  const answers = world.host
    .brain("coder")
    .answers.map(({ status, error }) => error?.code ?? status);
  expect(answers).toEqual(["delivered", "delivered", "TRACKER_UNAUTHORIZED"]);
});
