import { existsSync } from "node:fs";
import { chmod } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { describeWithDocker } from "../../../integration/docker-engine.ts";
import type { DockerTransportOptions } from "../src/index.ts";
import {
  baseImage,
  buildImage,
  buildTestImage,
  docker,
  fakeEngine,
  nameOf,
  newGround,
  sightings,
  until,
} from "./fixture.ts";

describe("an engine that cannot be used", () => {
  const failure = async (lines: readonly string[]): Promise<unknown> => {
    await using ground = await newGround();
    const engine = await fakeEngine(ground, lines);
    return await ground
      .transport({ engine })
      .check()
      .catch((error: unknown) => error);
  };

  test("a program that is not on PATH is ENGINE_MISSING, from every method", async () => {
    await using ground = await newGround();
    const transport = ground.transport({ engine: "no-such-engine" });
    const plan = await ground.plan();
    const missing = { code: "ENGINE_MISSING", class: "permanent" };
    await expect(transport.check()).rejects.toMatchObject(missing);
    await expect(transport.start(plan)).rejects.toMatchObject(missing);
    await expect(transport.stop(plan, 100)).rejects.toMatchObject(missing);
    await expect(transport.remove(plan)).rejects.toMatchObject(missing);
    await expect(transport.list("owner")).rejects.toMatchObject(missing);
    await expect(transport.check()).rejects.toThrow(/"no-such-engine".*Install Docker/u);
  });

  test("a PATH without docker is ENGINE_MISSING", async () => {
    await using ground = await newGround();
    const path = process.env["PATH"];
    process.env["PATH"] = ground.root;
    try {
      await expect(ground.transport({ engine: "docker" }).check()).rejects.toMatchObject({
        code: "ENGINE_MISSING",
      });
    } finally {
      process.env["PATH"] = path;
    }
  });

  test("an address where nothing answers is ENGINE_UNAVAILABLE, worth another try", async () => {
    await using ground = await newGround();
    const host = `unix://${join(ground.root, "nobody.sock")}`;
    // The real command line where there is one; its own words where there is none.
    const engine = await fakeEngine(ground, [
      'if command -v docker >/dev/null; then exec docker "$@"; fi',
      "echo 'Cannot connect to the Docker daemon at unix:///nobody.sock.' >&2; exit 1",
    ]);
    await expect(ground.transport({ engine, host }).check()).rejects.toMatchObject({
      code: "ENGINE_UNAVAILABLE",
      class: "transient",
      message: expect.stringContaining("DOCKER_HOST"),
    });
  });

  test("an engine that dies in the middle of an answer is ENGINE_UNAVAILABLE", async () => {
    expect(
      await failure(['echo "error during connect: unexpected EOF" >&2; exit 1']),
    ).toMatchObject({ code: "ENGINE_UNAVAILABLE", class: "transient" });
  });

  test("an engine that this user may not use is ENGINE_FORBIDDEN", async () => {
    const words = "permission denied while trying to connect to the Docker daemon socket";
    expect(await failure([`echo "${words}" >&2; exit 1`])).toMatchObject({
      code: "ENGINE_FORBIDDEN",
      class: "permanent",
      message: expect.stringContaining("group"),
    });
  });
});

describe("options that can never work", () => {
  test.for<Partial<DockerTransportOptions>>([
    { image: "" },
    { image: "--privileged" },
    { command: [] },
    { namePrefix: "-x" },
    { startConcurrency: 0 },
  ])("%o is a TypeError", async (options) => {
    await using ground = await newGround();
    expect(() => ground.transport(options)).toThrow(TypeError);
  });
});

await describeWithDocker("a start that cannot succeed", [baseImage], () => {
  beforeAll(() => buildTestImage());

  test.concurrent("an image that is not there is IMAGE_MISSING, with the command that makes it", async () => {
    await using ground = await newGround();
    const build = "pnpm image";
    const transport = ground.transport({ image: "waybill-no-such-image:latest", build });
    const plan = await ground.plan();
    const missing = {
      code: "IMAGE_MISSING",
      class: "permanent",
      message: "The image waybill-no-such-image:latest is not there. Make it with: pnpm image",
    };
    await expect(transport.check()).rejects.toMatchObject(missing);
    await expect(transport.start(plan)).rejects.toMatchObject(missing);
    expect(await transport.list(ground.owner)).toEqual([]);
  });

  test.concurrent("an image that is missing is pulled where the policy says so, and only there", async () => {
    await using ground = await newGround();
    const image = `waybill-transport-docker-test:pulled-${process.pid}`;
    // No registry can be reached from a test: the image comes from the one that is here.
    const engine = await fakeEngine(ground, [
      `if [ "$1" = pull ]; then exec docker tag ${baseImage} "$3"; fi`,
      'exec docker "$@"',
    ]);
    const never = ground.transport({ engine, image, command: ["true"] });
    await expect(never.start(await ground.plan())).rejects.toMatchObject({ code: "IMAGE_MISSING" });
    const transport = ground.transport({ engine, image, command: ["true"], pull: "missing" });
    expect(await transport.start(await ground.plan())).toMatchObject({ already: false });
    await docker("rmi", image);
  });

  test.concurrent("a pull that fails is PULL_FAILED, and the image's digest is part of its name", async () => {
    await using ground = await newGround();
    const image = `waybill.invalid/agent@sha256:${"0".repeat(64)}`;
    const transport = ground.transport({ image, pull: "missing" });
    await expect(transport.start(await ground.plan())).rejects.toMatchObject({
      code: "PULL_FAILED",
      details: { image },
    });
    expect(await transport.list(ground.owner)).toEqual([]);
  });

  test.concurrent("a start uses the image that has the name now, however often it changed", async () => {
    await using ground = await newGround();
    const image = `waybill-transport-docker-test:moving-${process.pid}`;
    const transport = ground.transport({ image });
    const held = await ground.plan({ program: "sleep 60" });
    const says = async (word: string): Promise<string> => {
      const cmd = `CMD ["/bin/sh", "-c", "echo ${word}; eval \\"$PROGRAM\\""]`;
      await buildImage(image, [`FROM ${baseImage}`, "ENTRYPOINT []", cmd]);
      const plan = await ground.plan();
      await transport.start(plan);
      await sightings(transport, plan);
      return await ground.read(plan, "stdout");
    };
    await docker("tag", baseImage, image);
    await ground.transport({ command: ["sleep", "60"] }).start(held);
    // While somebody watches, answers about images are kept until an event spoils them.
    const watching = new AbortController();
    const watched = transport.watch(held, watching.signal)[Symbol.asyncIterator]();
    await watched.next();
    await new Promise((resolve) => setTimeout(resolve, 1_200));
    for (const word of ["one", "two", "three"]) expect(await says(word)).toBe(`${word}\n`);
    watching.abort();
    await watched.return?.();
    await docker("rmi", "--force", image);
  });

  test.concurrent("an image that is deleted under a live run leaves it alone", async () => {
    await using ground = await newGround();
    const image = `waybill-transport-docker-test:passing-${process.pid}`;
    await docker("tag", baseImage, image);
    const transport = ground.transport({ image, command: ["sleep", "60"] });
    const plan = await ground.plan();
    await transport.start(plan);
    await docker("rmi", image);
    expect(await transport.start(plan)).toMatchObject({ already: true });
    await transport.stop(plan, 100);
  });

  test.concurrent("an image that speaks another protocol is PROTOCOL_MISMATCH", async () => {
    await using ground = await newGround();
    const transport = ground.transport();
    expect(await transport.check()).toMatchObject({ protocol: 1 });
    await expect(transport.start(await ground.plan({ protocol: 0 }))).rejects.toMatchObject({
      code: "PROTOCOL_MISMATCH",
    });
    expect(await ground.transport({ image: baseImage }).check()).toMatchObject({ protocol: null });
  });

  test.concurrent("a program that the image does not have is COMMAND_NOT_FOUND, and nothing is left", async () => {
    await using ground = await newGround();
    for (const program of ["no-such-program", "/no/such/program", "/etc/passwd"]) {
      const transport = ground.transport({ command: [program] });
      const start = transport.start(await ground.plan());
      await expect(start).rejects.toMatchObject({
        code: "COMMAND_NOT_FOUND",
        message: expect.stringContaining(program),
      });
    }
    expect(await ground.transport().list(ground.owner)).toEqual([]);
  });

  test.concurrent("a start that failed before the program ran can be repeated once it is mended", async () => {
    await using ground = await newGround();
    const plan = await ground.plan({ program: "exit 6" });
    const broken = ground.transport({ command: ["no-such-program"] });
    await expect(broken.start(plan)).rejects.toMatchObject({ code: "COMMAND_NOT_FOUND" });
    const transport = ground.transport();
    expect(await transport.start(plan)).toMatchObject({ already: false });
    expect((await sightings(transport, plan)).at(-1)).toMatchObject({ exit: { exitCode: 6 } });
  });

  test.concurrent("an image without a shell is COMMAND_NOT_FOUND, and names it", async () => {
    await using ground = await newGround();
    const image = "waybill-transport-docker-test:no-shell";
    await buildImage(image, ["FROM scratch", "LABEL empty=true", 'ENTRYPOINT ["/program"]']);
    const start = ground.transport({ image }).start(await ground.plan());
    await expect(start).rejects.toMatchObject({
      code: "COMMAND_NOT_FOUND",
      message: expect.stringContaining("/bin/sh"),
    });
  });

  test.concurrent("an image that names no program is COMMAND_NOT_FOUND", async () => {
    await using ground = await newGround();
    const image = "waybill-transport-docker-test:no-program";
    await buildImage(image, [`FROM ${baseImage}`, "ENTRYPOINT []", "CMD []"]);
    await expect(ground.transport({ image }).check()).rejects.toMatchObject({
      code: "COMMAND_NOT_FOUND",
      message: expect.stringContaining("ENTRYPOINT"),
    });
  });

  test.concurrent("a folder that is not there is START_FAILED, and is not made by the engine", async () => {
    await using ground = await newGround();
    const host = join(ground.root, "not-there");
    const plan = await ground.plan({ folders: [{ host, at: "/more", write: true }] });
    await expect(ground.transport().start(plan)).rejects.toMatchObject({
      code: "START_FAILED",
      class: "permanent",
      message: expect.stringContaining("not-there"),
    });
    expect(existsSync(host)).toBe(false);
  });

  test.concurrent("a stream that the run's user cannot open is START_FAILED, and names the files", async () => {
    await using ground = await newGround();
    const plan = await ground.plan();
    await chmod(plan.stdin.host, 0);
    await expect(ground.transport().start(plan)).rejects.toMatchObject({
      code: "START_FAILED",
      message: expect.stringContaining(plan.stdin.host),
    });
    expect(await ground.transport().list(ground.owner)).toEqual([]);
  });

  test.concurrent("a launch folder that the run's user cannot write is START_FAILED, and is named", async () => {
    await using ground = await newGround();
    const plan = await ground.plan();
    await chmod(plan.launch.host, 0o555);
    await expect(ground.transport().start(plan)).rejects.toMatchObject({
      code: "START_FAILED",
      message: expect.stringContaining(plan.launch.host),
    });
  });

  test.concurrent("a name that something else has is NAME_TAKEN, and that is left alone", async () => {
    await using ground = await newGround();
    const transport = ground.transport();
    const plan = await ground.plan();
    await docker(
      "run",
      "-d",
      "--name",
      nameOf(plan),
      "--network",
      "none",
      baseImage,
      "sleep",
      "60",
    );
    const taken = { code: "NAME_TAKEN", message: expect.stringContaining(nameOf(plan)) };
    await expect(transport.start(plan)).rejects.toMatchObject(taken);
    await expect(transport.stop(plan, 100)).rejects.toMatchObject(taken);
    await expect(transport.remove(plan)).rejects.toMatchObject(taken);
    expect((await sightings(transport, plan)).at(-1)).toEqual({ type: "absent" });
    expect(await docker("inspect", "-f", "{{.State.Status}}", nameOf(plan))).toBe("running");
  });

  test.concurrent("remove() of a live run is RUN_ALIVE, and leaves it alive", async () => {
    await using ground = await newGround();
    const transport = ground.transport({ command: ["sleep", "60"] });
    const plan = await ground.plan();
    await transport.start(plan);
    await expect(transport.remove(plan)).rejects.toMatchObject({ code: "RUN_ALIVE" });
    await until("a sighting", async () => (await transport.start(plan)).already);
    await transport.stop(plan, 100);
  });

  test.concurrent("root inside is ROOT_REFUSED unless it is allowed", async () => {
    await using ground = await newGround();
    const plan = { ...(await ground.plan()), user: { uid: 0, gid: 0 } };
    const refused = { code: "ROOT_REFUSED", message: expect.stringContaining("allowRoot") };
    await expect(ground.transport().start(plan)).rejects.toMatchObject(refused);
    const imageUser = { ...(await ground.plan()), user: null };
    await expect(ground.transport().start(imageUser)).rejects.toMatchObject(refused);
    await expect(ground.transport({ user: { uid: 0, gid: 0 } }).check()).rejects.toMatchObject(
      refused,
    );
    // Root without capabilities is bound by modes like everybody else.
    await chmod(plan.launch.host, 0o777);
    for (const stream of [plan.stdout, plan.stderr]) await chmod(stream.host, 0o666);
    const allowed = ground.transport({ allowRoot: true });
    expect(await allowed.start(plan)).toMatchObject({ already: false });
  });
});
