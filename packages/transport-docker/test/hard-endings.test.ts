import { mkdir, mkdtemp, readdir, rm, stat, statfs } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RunPlan, RunSighting } from "@waybill/core";
import { execa } from "execa";
import { beforeAll, expect, test, vi } from "vitest";
import { describeWithDocker } from "../../../integration/docker-engine.ts";
import {
  baseImage,
  buildTestImage,
  docker,
  nameOf,
  newGround,
  sightings,
  until,
} from "./fixture.ts";
import { childrenOf } from "./processes.ts";

const isRoot = process.getuid?.() === 0;
const isLong = process.env["WAYBILL_LONG"] === "1";
const floodBytes = isLong ? 1_000_000_000 : 64_000_000;

const endOf = (seen: readonly RunSighting[]) => {
  const last = seen.at(-1);
  return last?.type === "exited" ? last.exit : last?.type;
};

await describeWithDocker("a hard ending", [baseImage], () => {
  beforeAll(() => buildTestImage());

  test(
    "floods on stdout and stderr are files, and take no memory of the host's",
    { timeout: 300_000 },
    async () => {
      await using ground = await newGround();
      const transport = ground.transport();
      const flood = `head -c ${floodBytes} /dev/zero`;
      const plan = await ground.plan({ program: `${flood}; ${flood} >&2; exit 6` });
      const before = process.memoryUsage().rss;
      await transport.start(plan);
      const seen = await watched(transport.watch(plan, AbortSignal.timeout(280_000)));
      expect(endOf(seen)).toMatchObject({ exitCode: 6, oomKilled: false });
      expect(process.memoryUsage().rss - before).toBeLessThan(floodBytes / 2);
      for (const { host } of [plan.stdout, plan.stderr]) {
        expect((await stat(host)).size).toBe(floodBytes);
      }
    },
  );

  test.runIf(isRoot)(
    "a flood on the first process's own streams ends at the log's limit",
    async () => {
      await using ground = await newGround();
      const transport = ground.transport();
      const program = "head -c 40000000 /dev/zero | tr '\\0' x | fold > /proc/1/fd/1; exit 6";
      const plan = await ground.plan({ program });
      await transport.start(plan);
      expect(endOf(await sightings(transport, plan))).toMatchObject({ exitCode: 6 });
      const log = await docker("inspect", "--format", "{{.LogPath}}", nameOf(plan));
      const { size } = await stat(log);
      expect(size).toBeGreaterThan(1_000_000);
      expect(size).toBeLessThan(17_000_000);
    },
  );

  test("a run that fills its folders is killed where diskBytes is set, and its exit says why", async () => {
    await using ground = await newGround();
    const transport = ground.transport({ diskBytes: 30_000_000 });
    const program = "for i in 1 2 3 4; do head -c 10m /dev/zero > $i; done; echo full; sleep 600";
    const plan = await ground.plan({ program });
    const modest = await ground.plan({ program: "head -c 10m /dev/zero > 1; sleep 7; exit 3" });
    await transport.start(plan);
    await transport.start(modest);
    const [greedy, other] = await Promise.all([
      sightings(transport, plan),
      sightings(transport, modest),
    ]);
    expect(endOf(greedy)).toMatchObject({
      exitCode: null,
      signal: "SIGKILL",
      detail: expect.stringMatching(/4\d{7} bytes, more than diskBytes/u),
    });
    expect(endOf(other)).toEqual({ exitCode: 3, signal: null, oomKilled: false });
    // Whoever looks later is told the same.
    expect(await ground.transport().stop(plan, 0)).toMatchObject({
      detail: expect.stringContaining("diskBytes"),
    });
  });

  test.runIf(isRoot)(
    "a disk that is full under every folder ends in the program's own code, and in remove()",
    async () => {
      const disk = await mkdtemp(join(tmpdir(), "waybill-full-"));
      await execa("mount", ["-t", "tmpfs", "-o", "size=6m,mode=755", "waybill-full", disk]);
      try {
        const usual = process.env["TMPDIR"];
        process.env["TMPDIR"] = disk;
        const making = newGround();
        if (usual === undefined) delete process.env["TMPDIR"];
        else process.env["TMPDIR"] = usual;
        await using ground = await making;
        const transport = ground.transport();
        const program = "head -c 20m /dev/zero > big; echo $? && echo said; exit 8";
        const plan = await ground.plan({ program });
        await transport.start(plan);
        expect(endOf(await sightings(transport, plan))).toMatchObject({ exitCode: 8 });
        expect((await statfs(disk)).bavail).toBe(0);
        expect(await ground.read(plan, "stderr")).toBe("");
        await transport.remove(plan);
        await expect(transport.start(plan)).rejects.toMatchObject({ code: "RUN_ENDED" });
      } finally {
        await execa("umount", ["--lazy", disk]);
        await rm(disk, { recursive: true, force: true });
      }
    },
  );

  test.for([
    ["an hour back", -3_600_000],
    ["an hour ahead", 3_600_000],
  ] as const)("a host's clock that jumps %s hides no end", async ([, jump]) => {
    await using ground = await newGround();
    const transport = ground.transport();
    const program = "while [ ! -e go ]; do sleep 0.05; done; exit 9";
    const [first, second] = [await ground.plan({ program }), await ground.plan({ program })];
    const go = (plan: RunPlan) => mkdir(join(plan.folders[0]?.host ?? "", "go"));
    await transport.start(first);
    const seenFirst = sightings(transport, first);
    const clock = vi.spyOn(Date, "now");
    const real = performance.timeOrigin;
    clock.mockImplementation(() => real + performance.now() + jump);
    try {
      // One run was watched before the jump, and another is from after it.
      await transport.start(second);
      const seenSecond = sightings(ground.transport(), second);
      await Promise.all([go(first), go(second)]);
      for (const seen of [await seenFirst, await seenSecond]) {
        expect(endOf(seen)).toMatchObject({ exitCode: 9 });
      }
    } finally {
      clock.mockRestore();
    }
  });

  test("twelve runs that end in six ways leave no container, process, file or handle behind", async () => {
    await using ground = await newGround();
    const transport = ground.transport({ memory: "64m" });
    const programs = [
      "exit 0",
      "kill -KILL $$",
      "exec tail /dev/zero",
      "exec /no/such/program",
      "sleep 600",
      "head -c 2m /dev/zero >&2; sleep 600",
    ];
    const round = async (): Promise<readonly RunPlan[]> => {
      const plans = await Promise.all(programs.map((program) => ground.plan({ program })));
      await Promise.all(plans.map((plan) => transport.start(plan)));
      const seen = Promise.all(plans.map((plan) => sightings(transport, plan)));
      for (const plan of plans.slice(4)) await transport.stop(plan, 0);
      for (const one of await seen) expect(one.at(-1)?.type).toBe("exited");
      for (const plan of plans) await transport.remove(plan);
      return plans;
    };
    await round();
    const before = await openThings();
    const plans = [...(await round()), ...(await round())];
    expect(await transport.list(ground.owner)).toEqual([]);
    await until("no more open than before", async () => {
      const now = await openThings();
      return now.descriptors <= before.descriptors && now.children <= before.children;
    });
    for (const plan of plans) {
      expect((await readdir(plan.control)).toSorted()).toEqual(["ended", "engine"]);
      expect(await readdir(plan.launch.host)).toEqual(["started"]);
    }
  });
});

async function watched(watch: AsyncIterable<RunSighting>): Promise<readonly RunSighting[]> {
  const seen: RunSighting[] = [];
  for await (const one of watch) seen.push(one);
  return seen;
}

async function openThings(): Promise<{ descriptors: number; children: number }> {
  return {
    descriptors: (await readdir("/proc/self/fd")).length,
    children: (await childrenOf(process.pid)).length,
  };
}
