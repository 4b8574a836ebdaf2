import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Logger, RunExit, RunPlan } from "@waybill/core";
import { beforeAll, expect, test } from "vitest";
import { describeWithDocker } from "../../../integration/docker-engine.ts";
import type { DockerTransportOptions } from "../src/index.ts";
import {
  baseImage,
  buildTestImage,
  docker,
  fakeEngine,
  nameOf,
  newGround,
  sightings,
  until,
} from "./fixture.ts";
import { childrenOf, followersOf } from "./processes.ts";
import { engineDoor } from "./reachable.ts";

const waiting = "echo ready; while :; do sleep 1; done";

/** Runs the program to its end and tells how it ended. */
async function exitOf(
  program: string,
  options: Partial<DockerTransportOptions> = {},
): Promise<RunExit | undefined> {
  await using ground = await newGround();
  const transport = ground.transport(options);
  const plan = await ground.plan({ program });
  await transport.start(plan);
  const last = (await sightings(transport, plan)).at(-1);
  return last?.type === "exited" ? last.exit : undefined;
}

/** A logger that fails at every word. */
const shouting: Logger = { debug: fail, info: fail, warn: fail, error: fail };
function fail(message: string): never {
  throw new Error(message);
}

const exited = (exitCode: number | null, signal: string | null): Partial<RunExit> => ({
  exitCode,
  signal,
  oomKilled: false,
});

await describeWithDocker("how a run ended", [baseImage], () => {
  beforeAll(() => buildTestImage());

  test.concurrent("an exit code is the program's own", async () => {
    expect(await exitOf("exit 0")).toEqual(exited(0, null));
    expect(await exitOf("exit 3")).toEqual(exited(3, null));
    expect(await exitOf("exit 125")).toEqual(exited(125, null));
  });

  test.concurrent("a code that the start line uses is the program's own once it runs", async () => {
    expect(await exitOf("exit 120")).toEqual(exited(120, null));
    expect(await exitOf("exit 122")).toEqual(exited(122, null));
  });

  test.concurrent("the code of a second start is reported as no code at all", async () => {
    const exit = await exitOf("exit 121");
    expect(exit).toMatchObject(exited(null, null));
    expect(exit?.detail).toContain("121");
  });

  test.concurrent("the code that engines use for an end that they did not see is no code", async () => {
    const exit = await exitOf("exit 255");
    expect(exit).toMatchObject(exited(null, null));
    expect(exit?.detail).toContain("255");
  });

  test.concurrent("a program that is not found or not executable says so", async () => {
    expect(await exitOf("exec /no/such/program")).toMatchObject({
      ...exited(127, null),
      detail: expect.stringContaining("not found"),
    });
    expect(await exitOf("exec /etc/passwd")).toMatchObject({
      ...exited(126, null),
      detail: expect.stringContaining("not be executed"),
    });
  });

  test.concurrent("a signal is named and gives no exit code", async () => {
    expect(await exitOf("kill -KILL $$")).toMatchObject(exited(null, "SIGKILL"));
    expect(await exitOf("kill -TERM $$")).toMatchObject(exited(null, "SIGTERM"));
    expect(await exitOf("kill -ABRT $$")).toMatchObject(exited(null, "SIGABRT"));
    expect(await exitOf("kill -SEGV $$")).toMatchObject(exited(null, "SIGSEGV"));
  });

  test.concurrent("memory that runs out is told, whether the first process dies of it or a child", async () => {
    const greed = "tail /dev/zero";
    expect(await exitOf(`exec ${greed}`, { memory: "64m" })).toMatchObject({
      exitCode: null,
      signal: "SIGKILL",
      oomKilled: true,
      detail: expect.stringContaining("memory"),
    });
    expect(await exitOf(`${greed}; exit 5`, { memory: "64m" })).toMatchObject({
      exitCode: 5,
      signal: null,
      oomKilled: true,
    });
  });
});

await describeWithDocker("evidence", [baseImage], () => {
  beforeAll(() => buildTestImage());

  test.concurrent("a container that was removed by hand is absent, and its run can never start again", async () => {
    await using ground = await newGround();
    const transport = ground.transport();
    const plan = await ground.plan({ program: waiting });
    await transport.start(plan);
    await ready(plan);
    const seen = sightings(transport, plan);
    await docker("rm", "-f", nameOf(plan));
    expect((await seen).at(-1)).toEqual({ type: "absent" });
    await expect(transport.start(plan)).rejects.toMatchObject({ code: "RUN_ENDED" });
    expect(await transport.stop(plan, 100)).toBeNull();
  });

  test.concurrent("an end while the engine is away is seen when it answers again, and nothing before", async () => {
    await using ground = await newGround();
    await using door = await engineDoor(join(ground.root, "engine.sock"));
    const transport = ground.transport({ host: door.address });
    const program = "while [ ! -e letter.txt ]; do sleep 0.1; done; exit 9";
    const plan = await ground.plan({ program });
    await ground.transport().start(plan);
    const types: string[] = [];
    const seen = (async () => {
      for await (const sighting of transport.watch(plan, AbortSignal.timeout(30_000))) {
        types.push(sighting.type);
        if (sighting.type === "running") {
          await door.shut();
          await writeFile(join(plan.folders[0]!.host, "letter.txt"), "");
        }
        if (sighting.type === "exited") return sighting.exit.exitCode;
      }
      return undefined;
    })();
    await until(
      "the end",
      async () => (await docker("inspect", "-f", "{{.State.Status}}", nameOf(plan))) === "exited",
    );
    await door.open();
    expect(await seen).toBe(9);
    expect(types.at(-1)).toBe("exited");
  });

  test("by the command line, all runs of a transport share one follower of events, which goes with the last", async () => {
    await using ground = await newGround();
    const transport = ground.transport({ engine: await fakeEngine(ground, ['exec docker "$@"']) });
    const plans = await Promise.all([1, 2, 3].map(() => ground.plan({ program: waiting })));
    for (const plan of plans) await transport.start(plan);
    const seen = Promise.all(plans.map((plan) => sightings(transport, plan)));
    await until("a follower", async () => (await followersOf(process.pid)).length > 0);
    expect(await followersOf(process.pid)).toHaveLength(1);
    for (const plan of plans) await docker("kill", nameOf(plan));
    for (const sighting of await seen) expect(sighting.at(-1)?.type).toBe("exited");
    await until("no follower", async () => (await followersOf(process.pid)).length === 0);
  });

  test("on a socket, no run needs a process of the host, and none is left behind", async () => {
    await using ground = await newGround();
    const transport = ground.transport();
    const plans = await Promise.all([1, 2, 3].map(() => ground.plan({ program: waiting })));
    for (const plan of plans) await transport.start(plan);
    const seen = Promise.all(plans.map((plan) => sightings(transport, plan)));
    await until("no process", async () => (await childrenOf(process.pid)).length === 0);
    for (const plan of plans) await docker("kill", nameOf(plan));
    for (const sighting of await seen) expect(sighting.at(-1)?.type).toBe("exited");
  });

  test("a follower that dies is replaced, and nothing is missed meanwhile", async () => {
    await using ground = await newGround();
    const engine = await fakeEngine(ground, ['exec docker "$@"']);
    const transport = ground.transport({ engine, logger: shouting });
    const plan = await ground.plan({ program: waiting });
    await transport.start(plan);
    const seen = sightings(transport, plan);
    await until("a follower", async () => (await followersOf(process.pid)).length === 1);
    const [first] = await followersOf(process.pid);
    process.kill(first!, "SIGKILL");
    await docker("kill", nameOf(plan));
    const began = performance.now();
    expect((await seen).at(-1)?.type).toBe("exited");
    expect(performance.now() - began).toBeLessThan(5_000);
  });

  test.concurrent("an engine that knows nothing for a moment has not lost the run", async () => {
    await using ground = await newGround();
    const plan = await ground.plan({ program: waiting });
    await ground.transport().start(plan);
    const forgetful = async (): Promise<string> =>
      await fakeEngine(ground, [
        'case "$1 $2" in "container inspect"|"ps --all")',
        // Forgets for the first look, which is an inspect and a listing.
        `  echo >> "$0.looks"; if [ "$(wc -l < "$0.looks")" -le 2 ]; then [ "$1" = ps ]; exit; fi;;`,
        "esac",
        'exec docker "$@"',
      ]);
    const transport = ground.transport({ engine: await forgetful() });
    const watch = transport.watch(plan, AbortSignal.timeout(20_000))[Symbol.asyncIterator]();
    expect((await watch.next()).value).toEqual({ type: "running" });
    await watch.return?.();
    const stopping = ground.transport({ engine: await forgetful() });
    expect(await stopping.stop(plan, 0)).toMatchObject({ signal: "SIGKILL" });
  });

  test.concurrent("another engine's ignorance is not absence", async () => {
    await using ground = await newGround();
    const transport = ground.transport();
    const plan = await ground.plan({ program: waiting });
    await transport.start(plan);
    await docker("rm", "-f", nameOf(plan));
    // As if the engine that answers now were not the one that was asked for the run.
    await writeFile(join(plan.control, "engine"), "SOME:OTHER:ENGINE\n");
    const given = AbortSignal.timeout(2_500);
    const seen: string[] = [];
    for await (const sighting of transport.watch(plan, given)) seen.push(sighting.type);
    expect(seen).toEqual([]);
    await expect(transport.stop(plan, 100)).rejects.toMatchObject({ code: "ENGINE_CHANGED" });
    await expect(transport.start(plan)).rejects.toMatchObject({ code: "RUN_ENDED" });
  });

  test.concurrent("a paused container is running, and is stopped all the same", async () => {
    await using ground = await newGround();
    const transport = ground.transport();
    const plan = await ground.plan({
      program: "trap 'exit 4' TERM; echo ready; while :; do sleep 1; done",
    });
    await transport.start(plan);
    await ready(plan);
    await docker("pause", nameOf(plan));
    const first = transport.watch(plan, AbortSignal.timeout(20_000))[Symbol.asyncIterator]();
    expect((await first.next()).value).toEqual({ type: "running" });
    await first.return?.();
    expect(await transport.stop(plan, 5_000)).toMatchObject(exited(4, null));
  });
});

await describeWithDocker("a run that tampers with its own marker", [baseImage], () => {
  beforeAll(() => buildTestImage());

  /** Lets the program spoil its marker and end; then removes what is left the way it says. */
  async function startAgain(spoil: string, remove: "by hand" | "by remove()"): Promise<unknown> {
    await using ground = await newGround();
    const transport = ground.transport();
    const plan = await ground.plan({ program: `cd /waybill/launch; ${spoil}; echo ready` });
    await transport.start(plan);
    await until(
      "the end",
      async () => (await sightings(transport, plan)).at(-1)?.type === "exited",
    );
    if (remove === "by hand") await docker("rm", nameOf(plan));
    else await transport.remove(plan);
    // A starter that was frozen since before the end: it has looked for the record of it already.
    await rm(join(plan.control, "ended"), { force: true });
    const again = await transport.start(plan).catch((error: { code?: string }) => error.code);
    if (typeof again === "object") await sightings(transport, plan);
    const starts = (await ground.read(plan, "stdout")).split("ready\n").length - 1;
    return { again, starts };
  }

  test.concurrent.for([
    ["rm started", "by remove()"],
    ["rm started; ln -s /dev/null started", "by remove()"],
    ["rm started; ln -s /dev/null started", "by hand"],
    ["rm started; ln -s nowhere started", "by hand"],
    ["rm started; mkfifo started", "by hand"],
    ["rm started; mkdir started", "by hand"],
    ["echo lies > started", "by hand"],
    [": > started; chmod 0 started", "by hand"],
  ] as const)("does not run a second time: %s, removed %s", async ([spoil, remove]) => {
    expect(await startAgain(spoil, remove)).toEqual({ again: "RUN_ENDED", starts: 1 });
  });

  test.concurrent("a start line that meets the marker of a stop ends without running the program", async () => {
    await using ground = await newGround();
    const plan = await ground.plan({ program: waiting });
    // A stop that comes between the starter's look at the marker and the engine's start.
    const late = await fakeEngine(ground, [
      `if [ "$1" = run ]; then touch ${join(plan.launch.host, "started")}; fi`,
      'exec docker "$@"',
    ]);
    const transport = ground.transport({ engine: late });
    await expect(transport.start(plan)).rejects.toMatchObject({ code: "RUN_ENDED" });
    expect(await ground.read(plan, "stdout")).toBe("");
    expect(await transport.list(ground.owner)).toEqual([]);
  });
});

async function ready(plan: RunPlan): Promise<void> {
  await until("the program to be ready", async () =>
    (await readFile(plan.stdout.host, "utf8")).includes("ready"),
  );
}
