import { join } from "node:path";
import { contractShell, transportContract } from "@waybill/core/testing";
import type { TransportFixture } from "@waybill/core/testing";
import { beforeAll, test } from "vitest";
import { describeWithDocker } from "../../../integration/docker-engine.ts";
import { baseImage, buildTestImage, extendLease, newGround } from "./fixture.ts";
import { engineDoor } from "./reachable.ts";

await describeWithDocker("dockerTransport keeps the transport contract", [baseImage], () => {
  beforeAll(() => buildTestImage());
  transportContract({ test: test.concurrent, create: createFixture });
});

async function createFixture(): Promise<TransportFixture> {
  const ground = await newGround();
  const door = await engineDoor(join(ground.root, "engine.sock"));
  return {
    transport: ground.transport({ host: door.address }),
    another: async () => ground.transport({ host: door.address }),
    plan: ({ program, ...request }) => ground.plan({ program: contractShell(program), ...request }),
    output: ground.read,
    extendLease,
    unreachable: async () => {
      await door.shut();
      return door.open;
    },
    [Symbol.asyncDispose]: async () => {
      await ground[Symbol.asyncDispose]();
      await door[Symbol.asyncDispose]();
    },
  };
}
