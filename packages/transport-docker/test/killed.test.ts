import { readFile, readdir } from "node:fs/promises";
import { setTimeout as pause } from "node:timers/promises";
import type { RunPlan } from "@waybill/core";
import { beforeAll, expect, test } from "vitest";
import { describeWithDocker } from "../../../integration/docker-engine.ts";
import {
  baseImage,
  buildTestImage,
  docker,
  fakeEngine,
  nameOf,
  newGround,
  until,
} from "./fixture.ts";
import type { Ground } from "./fixture.ts";
import { orchestrator, told } from "./orchestrator.ts";
import { commandLine, followersOf, killCommandLines } from "./processes.ts";

/** Docker by its command line. */
const passing = (ground: Ground): Promise<string> => fakeEngine(ground, ['exec docker "$@"']);

const untilTerm = "trap 'exit 0' TERM; echo ready; while :; do sleep 30 & wait $!; done";

const startsOf = async (plan: RunPlan): Promise<number> =>
  (await readFile(plan.stdout.host, "utf8")).split("ready\n").length - 1;
const ready = (plan: RunPlan): Promise<void> =>
  until("the program to be ready", async () => (await startsOf(plan)) > 0);

await describeWithDocker("when the orchestrator is killed", [baseImage], () => {
  beforeAll(() => buildTestImage());

  test.concurrent("the run lives on, and a second process adopts it and sees it end", async () => {
    await using ground = await newGround();
    const plan = await ground.plan({ program: untilTerm });
    const first = await orchestrator(plan, { acts: ["start", "stay"] });
    await ready(plan);
    first.process.kill("SIGKILL");
    expect((await first.process).signal).toBe("SIGKILL");

    const second = await orchestrator(plan, { acts: ["start", "watch"] });
    const transport = ground.transport();
    const lines = second.process.iterable()[Symbol.asyncIterator]();
    while (!String((await lines.next()).value).includes("running"));
    await transport.stop(plan, 5_000);
    const [, started, ...seen] = told(await second.process);
    expect(started).toMatchObject({ already: true });
    expect(seen).toEqual([
      { type: "running" },
      { type: "exited", exit: { exitCode: 0, signal: null, oomKilled: false } },
    ]);
    expect(await startsOf(plan)).toBe(1);
  });

  test.concurrent("at a random instant of start(), the next start makes exactly one run, every time", async () => {
    await using ground = await newGround();
    const transport = ground.transport();
    const trial = async (number: number): Promise<void> => {
      const plan = await ground.plan({ program: untilTerm });
      // By the command line in every second trial, and then it dies as well in some.
      const options = number % 2 === 0 ? { engine: await passing(ground) } : {};
      const victim = await orchestrator(plan, { acts: ["start", "stay"], options });
      await victim.process.iterable()[Symbol.asyncIterator]().next();
      await pause(Math.random() * 350);
      victim.process.kill("SIGKILL");
      if (number % 4 === 0) await killCommandLines(plan);
      await victim.process;
      expect(await readdir(plan.control), "what a start leaves on disk").toEqual(
        expect.not.arrayContaining([expect.stringContaining("environment")]),
      );
      await transport.start(plan);
      await ready(plan);
      expect((await transport.stop(plan, 3_000))?.exitCode).toBe(0);
      expect(await startsOf(plan), `trial ${number}`).toBe(1);
    };
    const rounds = process.env["WAYBILL_LONG"] === "1" ? 20 : 2;
    for (let round = 0; round < rounds; round += 1) {
      await Promise.all([trial(3 * round), trial(3 * round + 1), trial(3 * round + 2)]);
    }
  }, 240_000);

  test.concurrent("no follower of the engine's events is left behind", async () => {
    await using ground = await newGround();
    const plan = await ground.plan({ program: untilTerm });
    const options = { engine: await passing(ground) };
    const victim = await orchestrator(plan, { acts: ["start", "watch"], options });
    const lines = victim.process.iterable()[Symbol.asyncIterator]();
    while (!String((await lines.next()).value).includes("running"));
    const before = await followersOf(victim.process.pid ?? 0);
    expect(before).toHaveLength(1);
    victim.process.kill("SIGKILL");
    await victim.process;
    await until("the followers to end", async () => {
      const alive = await Promise.all(before.map((pid) => commandLine(pid)));
      return alive.every((line) => line === "");
    });
    await ground.transport().stop(plan, 3_000);
  });

  test.concurrent("starts that race from 8 processes are one run", async () => {
    await using ground = await newGround();
    const plan = await ground.plan({ program: untilTerm });
    const racers = await Promise.all(
      Array.from({ length: 8 }, () => orchestrator(plan, { acts: ["start"] })),
    );
    const ends = await Promise.all(racers.map((racer) => racer.process));
    const words = ends.map((end) => told(end)[1] as { already: boolean; handle: string });
    expect(words.filter((word) => !word.already)).toHaveLength(1);
    expect(new Set(words.map((word) => word.handle)).size).toBe(1);
    await ready(plan);
    await ground.transport().stop(plan, 3_000);
    expect(await startsOf(plan)).toBe(1);
  });

  test.concurrent("folders, streams and environment work at umask 077", async () => {
    await using ground = await newGround();
    const program = 'cat; cat letter.txt; printf %s "$HOME"; touch made "$WAYBILL_OUTBOX/1.json"';
    const plan = await ground.plan({
      program,
      stdin: "one ",
      letter: "two ",
      env: { WAYBILL_OUTBOX: "/waybill/outbox" },
    });
    const other = await orchestrator(plan, { acts: ["start", "watch"], umask: 0o077 });
    const words = told(await other.process);
    expect(words.at(-1)).toMatchObject({ type: "exited", exit: { exitCode: 0 } });
    expect(await ground.read(plan, "stdout")).toBe("one two /tmp");
    expect(await ground.read(plan, "stderr")).toBe("");
  });
});

await describeWithDocker("when only the engine's command line is killed", [baseImage], () => {
  beforeAll(() => buildTestImage());

  test.concurrent("a container that was created and never started is started by the next start", async () => {
    await using ground = await newGround();
    const plan = await ground.plan({ program: untilTerm });
    const interrupted = await fakeEngine(ground, [
      'if [ "$1" = run ]; then shift 2; docker create "$@"; exit 137; fi',
      'if [ "$1" = start ]; then echo "Error response from daemon: not now" >&2; exit 1; fi',
      'exec docker "$@"',
    ]);
    const first = ground.transport({ engine: interrupted }).start(plan);
    await expect(first).rejects.toMatchObject({ code: "START_FAILED" });
    expect(await docker("inspect", "-f", "{{.State.Status}}", nameOf(plan))).toBe("created");

    const transport = ground.transport();
    const started = await Promise.all([transport.start(plan), ground.transport().start(plan)]);
    expect(started.map((one) => one.already)).toEqual([true, true]);
    await ready(plan);
    expect((await transport.stop(plan, 3_000))?.exitCode).toBe(0);
    expect(await startsOf(plan)).toBe(1);
  });

  test.concurrent("a start whose answer is lost is found to have happened", async () => {
    await using ground = await newGround();
    const plan = await ground.plan({ program: untilTerm });
    const cutOff = await fakeEngine(ground, [
      'if [ "$1" = run ]; then docker "$@"; echo "unexpected EOF" >&2; exit 125; fi',
      'exec docker "$@"',
    ]);
    const transport = ground.transport({ engine: cutOff });
    expect(await transport.start(plan)).toMatchObject({ already: false });
    await ready(plan);
    await transport.stop(plan, 3_000);
    expect(await startsOf(plan)).toBe(1);
  });

  test.concurrent("a start that was cut off and left no container may still happen, and says so", async () => {
    await using ground = await newGround();
    const plan = await ground.plan({ program: untilTerm });
    for (const words of ['echo "unexpected EOF" >&2; exit 125', "kill -KILL $$"]) {
      const cutOff = await fakeEngine(ground, [
        `if [ "$1" = run ]; then ${words}; fi`,
        'exec docker "$@"',
      ]);
      await expect(ground.transport({ engine: cutOff }).start(plan)).rejects.toMatchObject({
        code: "START_FAILED",
        class: "unknown",
      });
    }
  });

  test.concurrent("stop() of a container that was created and never started leaves nothing that could start", async () => {
    await using ground = await newGround();
    const plan = await ground.plan({ program: untilTerm });
    const interrupted = await fakeEngine(ground, [
      'case "$1" in run) shift 2; exec docker create "$@";; start) exit 1;; esac',
      'exec docker "$@"',
    ]);
    await ground
      .transport({ engine: interrupted })
      .start(plan)
      .catch(() => undefined);
    const transport = ground.transport();
    expect(await transport.stop(plan, 3_000)).toBeNull();
    expect(await transport.list(ground.owner)).toEqual([]);
    await expect(transport.start(plan)).rejects.toMatchObject({ code: "RUN_ENDED" });
    expect(await startsOf(plan)).toBe(0);
  });
});
