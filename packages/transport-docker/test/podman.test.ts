import { existsSync } from "node:fs";
import { rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { contractShell, transportContract } from "@waybill/core/testing";
import type { TransportFixture } from "@waybill/core/testing";
import { execa } from "execa";
import { beforeAll, expect, test } from "vitest";
import { describeWithPodman } from "../../../integration/docker-engine.ts";
import { doctor } from "../src/index.ts";
import {
  baseImage,
  buildTestImage,
  fakeEngine,
  newGround,
  sightings,
  testImage,
  extendLease,
} from "./fixture.ts";

/** Whoever runs the tests has the podman that is theirs. */
const isRootless = process.getuid?.() !== 0;

await describeWithPodman("dockerTransport keeps the contract with podman", [baseImage], () => {
  beforeAll(() => buildTestImage("podman"));
  transportContract({ test: test.concurrent, create: createFixture });
});

/** Podman has no engine that could go away: its program says what it would say without one. */
async function createFixture(): Promise<TransportFixture> {
  const ground = await newGround("podman");
  const away = join(ground.root, "away");
  const engine = await fakeEngine(ground, [
    `if [ -e ${away} ]; then echo "Error: unable to connect to Podman socket" >&2; exit 125; fi`,
    'exec podman "$@"',
  ]);
  return {
    transport: ground.transport({ engine }),
    another: async () => ground.transport({ engine }),
    plan: ({ program, ...request }) => ground.plan({ program: contractShell(program), ...request }),
    output: ground.read,
    extendLease,
    unreachable: async () => {
      await writeFile(away, "");
      return async () => await rm(away);
    },
    [Symbol.asyncDispose]: async () => await ground[Symbol.asyncDispose](),
  };
}

await describeWithPodman("podman", [baseImage], () => {
  beforeAll(() => buildTestImage("podman"));

  test.concurrent("contains a run as docker does", async () => {
    await using ground = await newGround("podman");
    const transport = ground.transport();
    const program = "grep -E '^(Cap|NoNewPrivs)' /proc/self/status; touch /x; ls /sys/class/net";
    const plan = await ground.plan({ program });
    await transport.start(plan);
    await sightings(transport, plan);
    const words = await ground.read(plan, "stdout");
    for (const set of ["CapPrm", "CapEff", "CapBnd"]) {
      expect(words).toMatch(new RegExp(`^${set}:\\s+0+$`, "mu"));
    }
    expect(words).toMatch(/^NoNewPrivs:\s+1$/mu);
    expect(words).not.toMatch(/eth0/u);
    expect(await ground.read(plan, "stderr")).toContain("Read-only file system");
  });

  // Podman 4 on cgroups of the first version does not tell that it was memory.
  test.concurrent("tells an exit code and a signal, also where memory ran out", async () => {
    await using ground = await newGround("podman");
    const transport = ground.transport({ memory: "64m" });
    const exitOf = async (program: string) => {
      const plan = await ground.plan({ program });
      await transport.start(plan);
      return (await sightings(transport, plan)).at(-1);
    };
    expect(await exitOf("exit 3")).toMatchObject({ exit: { exitCode: 3, signal: null } });
    const killed = { exit: { exitCode: null, signal: "SIGTERM" } };
    expect(await exitOf("kill -TERM $$")).toMatchObject(killed);
    // Rootless on cgroups of the first version, nothing would end it but the machine's own memory.
    if (isRootless) return;
    const greedy = { exit: { exitCode: null, signal: "SIGKILL" } };
    expect(await exitOf("exec tail /dev/zero")).toMatchObject(greedy);
  });

  test.runIf(isRootless)(
    "rootless, makes the host's user root inside, who is nobody else outside",
    async () => {
      await using ground = await newGround("podman");
      const transport = ground.transport();
      const plan = await ground.plan({
        program: "id -u; touch made /waybill/inbox/not; ls -a /root",
      });
      expect(await transport.check()).toMatchObject({ protocol: 1 });
      await transport.start(plan);
      await sightings(transport, plan);
      expect(await ground.read(plan, "stdout")).toMatch(/^0$/mu);
      expect(await ground.read(plan, "stderr")).toContain("Read-only file system");
      const made = await stat(join(plan.folders[0]?.host ?? "", "made"));
      expect(made.uid).toBe(process.getuid?.());
    },
  );

  test.runIf(isRootless)("rootless, doctor() says what the cgroups cannot limit", async () => {
    await using ground = await newGround("podman");
    const findings = await doctor({ image: testImage, engine: "podman", folder: ground.root });
    const of = (check: string) => findings.find((finding) => finding.check === check);
    expect(of("engine")).toMatchObject({ ok: true, found: expect.stringContaining("rootless") });
    expect(of("mounts")).toMatchObject({ ok: true });
    const limits = of("cgroups");
    const controllers = await podmanControllers();
    expect(limits?.ok).toBe(["memory", "pids"].every((one) => controllers.includes(one)));
    if (limits?.ok === false) expect(limits.fix).toContain("delegate");
  });

  test.concurrent("an image that is not there is IMAGE_MISSING", async () => {
    await using ground = await newGround("podman");
    const transport = ground.transport({ image: "waybill-no-such-image:latest" });
    await expect(transport.start(await ground.plan())).rejects.toMatchObject({
      code: "IMAGE_MISSING",
    });
  });

  test.concurrent("a program or a folder that is not there is told by its code", async () => {
    await using ground = await newGround("podman");
    const program = ground.transport({ command: ["no-such-program"] });
    await expect(program.start(await ground.plan())).rejects.toMatchObject({
      code: "COMMAND_NOT_FOUND",
    });
    const host = join(ground.root, "not-there");
    const plan = await ground.plan({ folders: [{ host, at: "/more", write: true }] });
    await expect(ground.transport().start(plan)).rejects.toMatchObject({ code: "START_FAILED" });
    expect(existsSync(host)).toBe(false);
  });
});

async function podmanControllers(): Promise<string> {
  return (await execa("podman", ["info", "--format", "{{.Host.CgroupControllers}}"])).stdout;
}
