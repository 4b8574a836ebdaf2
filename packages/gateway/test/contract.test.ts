// The gateway's contract: a real process, real sockets, and a model that says what it is told.
import { expect, test } from "vitest";
import type { Attachment } from "@waybill/core";
import { contractTerms, gatewayContract } from "@waybill/core/testing";
import type { ContractAsk, GatewayFixture } from "@waybill/core/testing";
import { ask } from "./support/ask.ts";
import { gatewayBed, planOf, socketOf } from "./support/gateway-bed.ts";
import { sse, stubUpstream } from "./support/stub-upstream.ts";
import { isAlive, until } from "./support/until.ts";

const { model, usdPerToken } = contractTerms;
const perMillion = usdPerToken * 1e6;
const price = {
  input: perMillion,
  output: perMillion,
  cacheRead: perMillion,
  cacheWrite: perMillion,
};

gatewayContract({ test, create: fixture, patienceMs: 20_000 });

test("a clause that is skipped by a name that no clause has is an error", () => {
  const options = { test: () => undefined, create: fixture, skip: { "no such clause": "why" } };
  expect(() => gatewayContract(options)).toThrow("no such clause");
});

let count = 0;

async function fixture(): Promise<GatewayFixture> {
  const upstream = await stubUpstream((response, { body }) => {
    const { usage } = JSON.parse(body) as { usage: object };
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write(sse("message_start", { message: { usage } }));
    response.write(sse("message_delta", { delta: {}, usage }));
    response.end(sse("message_stop"));
  });
  const bed = gatewayBed(upstream.url);
  const options = { models: [model], prices: { [model]: price } };
  const gateway = bed.gateway(options);
  const sessionId = `session-${(count += 1)}`;
  return {
    gateway,
    another: async () => bed.gateway(options),
    async restart() {
      const pid = bed.pid();
      process.kill(pid, "SIGKILL");
      await until("the process is gone", () => !isAlive(pid));
      await gateway.check();
      expect(bed.pid()).not.toBe(pid);
    },
    plan: (change = {}) => {
      count += 1;
      return planOf(`run-${count}`, {
        owner: "contract",
        sessionId: `${sessionId}-${count}`,
        ...change,
      });
    },
    ask: answerOf,
    async [Symbol.asyncDispose]() {
      await bed[Symbol.asyncDispose]();
      await upstream[Symbol.asyncDispose]();
    },
  };
}

async function answerOf(
  attachment: Attachment,
  { model: named, inputTokens, outputTokens }: ContractAsk,
): Promise<"answered" | "refused" | "unreachable"> {
  const usage = { input_tokens: inputTokens, output_tokens: outputTokens };
  try {
    const body = JSON.stringify({ model: named, usage, messages: [] });
    const { status } = await ask(socketOf(attachment), { body });
    return status === 200 ? "answered" : "refused";
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? "";
    if (["ENOENT", "ECONNREFUSED"].includes(code)) return "unreachable";
    throw error;
  }
}
