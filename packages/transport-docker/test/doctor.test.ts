import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { describeWithDocker } from "../../../integration/docker-engine.ts";
import { doctor } from "../src/index.ts";
import { baseImage, buildTestImage, fakeEngine, newGround, testImage } from "./fixture.ts";

await describeWithDocker("doctor()", [baseImage], () => {
  beforeAll(() => buildTestImage());

  test.concurrent("finds everything in order where runs can start, after a real write", async () => {
    await using ground = await newGround();
    const findings = await doctor({ image: testImage, folder: ground.root });
    expect(findings.map(({ check }) => check)).toEqual([
      "engine",
      "image",
      "user",
      "mounts",
      "live-restore",
      "log-limits",
      "cgroups",
      "disk",
      "quota",
    ]);
    expect(findings.filter(({ ok }) => !ok)).toEqual([]);
    const mounts = findings.find(({ check }) => check === "mounts");
    expect(mounts?.found).toMatch(/^A container wrote into .* as uid [1-9]/u);
  });

  test.concurrent("says how to make an image that is missing", async () => {
    const findings = await doctor({ image: "waybill-no-such-image:1", build: "pnpm image" });
    expect(findings.find(({ check }) => check === "image")).toEqual({
      check: "image",
      ok: false,
      found: "The image waybill-no-such-image:1 is not there.",
      fix: "Make it with: pnpm image",
    });
  });

  test.concurrent("does not believe an engine that mounts another folder", async () => {
    await using ground = await newGround();
    // As an engine in a virtual machine that does not share this folder: it writes into its own.
    const elsewhere = await fakeEngine(ground, [
      'if [ "$1" = run ]; then exit 0; fi',
      'exec docker "$@"',
    ]);
    const options = { engine: elsewhere, image: testImage, folder: ground.root };
    const finding = (await doctor(options)).find(({ check }) => check === "mounts");
    expect(finding).toMatchObject({ ok: false, found: expect.stringContaining("another folder") });
  });

  test.concurrent("refuses root on a rootful engine, and a mount of its socket", async () => {
    const root = await doctor({ image: testImage, user: { uid: 0, gid: 0 } });
    expect(root.find(({ check }) => check === "user")).toMatchObject({ ok: false });
    const mounts = [{ host: "/var/run/docker.sock", at: "/engine.sock" }];
    const socket = await doctor({ image: testImage, mounts });
    expect(socket.filter(({ ok }) => !ok)).toMatchObject([{ check: "mounts" }]);
  });
});

describe("doctor() without an engine", () => {
  test("has one finding, with the fix", async () => {
    const missing = await doctor({ image: "agent:1", engine: "no-such-engine" });
    expect(missing).toMatchObject([
      { check: "engine", ok: false, fix: expect.stringContaining("Install Docker") },
    ]);
    await using ground = await newGround();
    const words = "Cannot connect to the Docker daemon at unix:///nobody.sock.";
    const engine = await fakeEngine(ground, [`echo '${words}' >&2; exit 1`]);
    const folder = join(ground.root, "nowhere");
    expect(await doctor({ image: "agent:1", engine, folder })).toMatchObject([
      { check: "engine", ok: false, fix: expect.stringContaining("Start it") },
    ]);
  });
});
