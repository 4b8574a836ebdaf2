import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { contractShell, transportContract } from "@waybill/core/testing";
import type { TransportFixture } from "@waybill/core/testing";
import { beforeAll, expect, test } from "vitest";
import { describeWithDocker } from "../../../integration/docker-engine.ts";
import { engineCommand } from "../src/engine/command.ts";
import { commandEngine } from "../src/engine/command-engine.ts";
import type { ContainerRequest } from "../src/engine/container-request.ts";
import { engineSocket } from "../src/engine/engine-socket.ts";
import { socketEngine } from "../src/engine/socket-engine.ts";
import { settingsOf } from "../src/options.ts";
import { runContainer } from "../src/start/run-container.ts";
import {
  baseImage,
  buildTestImage,
  docker,
  extendLease,
  fakeEngine,
  newGround,
  testImage,
} from "./fixture.ts";
import { engineDoor, engineSocketPath } from "./reachable.ts";

await describeWithDocker("the two ways to ask Docker", [baseImage], () => {
  beforeAll(() => buildTestImage());

  test.for([
    ["by default", {}],
    [
      "with every option",
      {
        network: "bridge",
        memory: "1.5g",
        cpus: 1.5,
        pids: 77,
        fileSizeBytes: 12_345,
        openFiles: 99,
        tmpfs: { "/tmp": "rw,size=1m", "/more": "rw,exec" },
        readOnlyRoot: false,
        capabilities: ["NET_BIND_SERVICE", "CHOWN"],
        stopGraceMs: 2_500,
      },
    ],
  ] as const)("make the same container %s", async ([, options]) => {
    await using ground = await newGround();
    const plan = await ground.plan({ env: { LINES: "one\ntwo", "NAME.X": "Кодер = 1" } });
    const image = await docker("image", "inspect", "--format", "{{.Id}}", testImage);
    const request = runContainer(plan, settingsOf({ image: testImage, ...options }), {
      token: "token-1",
      imageId: image,
      argv: ["node", "--version"],
      user: "48211:48211",
      mounts: [{ host: ground.root, at: '/with, "comma"', write: false }],
    });
    const command = commandEngine(engineCommand("docker"));
    const socket = socketEngine(engineSocket(await engineSocketPath()), command);
    const made: unknown[] = [];
    for (const engine of [command, socket]) {
      const own: ContainerRequest = {
        ...request,
        name: `waybill-${randomBytes(8).toString("hex")}`,
      };
      expect(await engine.run(own)).toMatchObject({ ok: true, stderr: "" });
      made.push(await whatWasMade(own.name));
      await docker("rm", "--force", own.name);
    }
    expect(made[1]).toEqual(made[0]);
  });

  test("say the same of what is not there, and of a name that is taken", async () => {
    await using ground = await newGround();
    const command = commandEngine(engineCommand("docker"));
    const socket = socketEngine(engineSocket(await engineSocketPath()), command);
    const plan = await ground.plan({ program: "sleep 60" });
    await ground.transport().start(plan);
    const name = `waybill-${plan.runId}`;
    const [info, byCommand] = await Promise.all([socket.info(), command.info()]);
    expect(info).toEqual(byCommand);
    expect(await socket.image("waybill-no-such-image:latest")).toBeNull();
    expect(await socket.image(testImage)).toEqual(await command.image(testImage));
    expect(await socket.containers([name, "no-such"])).toEqual(
      await command.containers([name, "no-such"]),
    );
    expect(await socket.labelled("waybill.owner", ground.owner)).toEqual(
      await command.labelled("waybill.owner", ground.owner),
    );
    expect(await socket.remove(name)).toMatchObject({
      ok: false,
      stderr: expect.stringContaining("running"),
    });
  });
});

/** What the engine recorded of a container, without what differs between any two. */
async function whatWasMade(name: string): Promise<unknown> {
  const [one] = JSON.parse(await docker("inspect", name)) as [
    { Config: Record<string, unknown>; HostConfig: unknown; Mounts: unknown },
  ];
  const { Hostname: _, AttachStdout: _1, AttachStderr: _2, ...config } = one.Config;
  return plain({ config, host: one.HostConfig, mounts: one.Mounts });
}

/** Without what is empty, and lists in an order of their own: those mean the same to the engine. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map(plain).toSorted((a, b) => JSON.stringify(a).localeCompare(JSON.stringify(b)));
  }
  if (typeof value === "string") return value.replace(/^CAP_/u, "");
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([name, one]) => [name, plain(one)] as const);
  return Object.fromEntries(entries.filter(([, one]) => !isEmpty(one)));
}

function isEmpty(value: unknown): boolean {
  return value === null || (typeof value === "object" && Object.keys(value).length === 0);
}

// Podman has the same way, and its contract is always tested.
if (process.env["WAYBILL_LONG"] === "1") {
  await describeWithDocker("by its command line, docker keeps the contract", [baseImage], () => {
    beforeAll(() => buildTestImage());
    transportContract({ test: test.concurrent, create: createFixture });
  });
}

async function createFixture(): Promise<TransportFixture> {
  const ground = await newGround();
  const door = await engineDoor(join(ground.root, "engine.sock"));
  const engine = await fakeEngine(ground, ['exec docker "$@"']);
  const options = { engine, host: door.address };
  return {
    transport: ground.transport(options),
    another: async () => ground.transport(options),
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
