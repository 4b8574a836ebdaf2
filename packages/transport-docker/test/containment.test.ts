import { chmod, mkdir, readFile, stat, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { describeWithDocker } from "../../../integration/docker-engine.ts";
import type { DockerTransportOptions } from "../src/index.ts";
import {
  baseImage,
  buildTestImage,
  docker,
  nameOf,
  newGround,
  sightings,
  user,
} from "./fixture.ts";
import type { Ground, PlanRequest } from "./fixture.ts";

/** Runs the program to its end and gives what it said, errors too. */
async function said(
  ground: Ground,
  program: string,
  options: Partial<DockerTransportOptions> = {},
  request: PlanRequest = {},
): Promise<string> {
  const transport = ground.transport(options);
  const plan = await ground.plan({ ...request, program: `exec 2>&1; ${program}` });
  await transport.start(plan);
  const last = (await sightings(transport, plan)).at(-1);
  if (last?.type !== "exited") throw new Error("The run did not end.");
  return await ground.read(plan, "stdout");
}

await describeWithDocker("a hostile program, by default,", [baseImage], () => {
  beforeAll(() => buildTestImage());

  test.concurrent("is an ordinary user without capabilities, who cannot get any", async () => {
    await using ground = await newGround();
    const words = await said(
      ground,
      "id -u; grep -E '^(Cap|NoNewPrivs|Seccomp:)' /proc/self/status",
    );
    expect(words).toContain(`${user.uid}\n`);
    for (const set of ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"]) {
      expect(words).toMatch(new RegExp(`^${set}:\\s+0+$`, "mu"));
    }
    expect(words).toMatch(/^NoNewPrivs:\s+1$/mu);
    expect(words).toMatch(/^Seccomp:\s+2$/mu);
  });

  test.concurrent("cannot write the image, a read-only folder or its own standard input", async () => {
    await using ground = await newGround();
    const places = ["/x", "/etc/x", "/usr/local/bin/x", "/waybill/x", "/waybill/inbox/x"];
    const attempts = [...places, "/waybill/stdin"].map(
      (at) => `(echo x > ${at} && echo WROTE ${at})`,
    );
    const transport = ground.transport();
    const plan = await ground.plan({ program: attempts.join("; ") });
    // The modes of the host allow it: only the mounts are in the way.
    await chmod(plan.folders[1]!.host, 0o777);
    await chmod(plan.stdin.host, 0o666);
    await transport.start(plan);
    await sightings(transport, plan);
    expect(await ground.read(plan, "stdout")).toBe("");
    expect((await ground.read(plan, "stderr")).match(/Read-only file system/gu)).toHaveLength(6);
    // The test can tell: where writing is allowed it works.
    expect(await said(ground, "echo x > /workspace/x && echo WROTE")).toContain("WROTE");
  });

  test.concurrent("cannot move or replace a mounted folder or stream", async () => {
    await using ground = await newGround();
    const words = await said(
      ground,
      [
        "mv /waybill/outbox /waybill/gone && echo MOVED",
        "mv /waybill/stdout /tmp/gone && echo MOVED",
        "rm /waybill/stdout && echo REMOVED",
        "rmdir /waybill/launch && echo REMOVED",
        "ln -sfn /etc /waybill/inbox/link && echo LINKED",
      ].join("; "),
    );
    expect(words).not.toMatch(/MOVED|REMOVED|LINKED/u);
  });

  test.concurrent("has no network: no service of the host on any of its addresses", async () => {
    await using ground = await newGround();
    const server = createServer((_, response) => response.end("SECRET OF THE HOST"));
    await new Promise<void>((resolve) => server.listen(0, "0.0.0.0", resolve));
    const { port } = server.address() as { port: number };
    const addresses = Object.values(networkInterfaces())
      .flatMap((all) => all ?? [])
      .filter((one) => one.family === "IPv4")
      .map((one) => one.address);
    const visit = `for (const a of ${JSON.stringify(addresses)}) fetch('http://' + a + ':${port}').then(r => r.text()).then(console.log, () => console.log('refused'))`;
    try {
      const words = await said(
        ground,
        `node -e "${visit.replaceAll('"', '\\"')}"; ls /sys/class/net`,
      );
      expect(words).toContain("refused");
      expect(words).not.toContain("SECRET");
      expect(words).not.toMatch(/eth0/u);
    } finally {
      server.close();
    }
  });

  test.concurrent("cannot mount, make devices, change the clock or see the host's processes", async () => {
    await using ground = await newGround();
    const words = await said(
      ground,
      [
        "mount -t tmpfs none /tmp && echo DID mount",
        "mknod /tmp/sda b 8 0 && echo DID mknod",
        "unshare --user --map-root-user true && echo DID unshare",
        "date -s 2001-01-01 && echo DID date",
        "chroot / true && echo DID chroot",
        "ls -d /proc/[0-9]* | wc -l",
        "ls /dev",
      ].join("; "),
    );
    expect(words).not.toMatch(/DID/u);
    expect(words).not.toMatch(/^(?:sda|vda|kmsg|mem)$/mu);
    expect(Number(/^\d+$/mu.exec(words)?.[0])).toBeLessThan(8);
  });

  test.concurrent("leaves no file that gives rights on the host", async () => {
    await using ground = await newGround();
    const plan = await ground.plan({ program: "cp /bin/sh owned; chmod 6755 owned; exit 0" });
    const transport = ground.transport();
    await transport.start(plan);
    await sightings(transport, plan);
    const owned = await stat(join(plan.folders[0]!.host, "owned"));
    expect([owned.uid, owned.gid]).toEqual([user.uid, user.gid]);
    expect(owned.uid).not.toBe(0);
  });

  test.concurrent("cannot fork without end, fill /tmp, or write a file without end", async () => {
    await using ground = await newGround();
    const bomb = "for i in $(seq 400); do sleep 5 & done; echo FORKED 400";
    expect(await said(ground, `(${bomb}) 2>&1; true`)).not.toContain("FORKED 400");
    const flood = "head -c 200m /dev/zero > /tmp/flood && echo FLOODED";
    expect(await said(ground, flood, { memory: "300m" })).not.toContain("FLOODED");
    const large = "head -c 3000000 /dev/zero > large && echo WROTE; stat -c %s large";
    const words = await said(ground, large, { fileSizeBytes: 1_000_000 });
    expect(words).not.toContain("WROTE");
    expect(words).toMatch(/^1000000$/mu);
  });

  test.concurrent("sees no other session's folders and nothing of the control folder", async () => {
    await using ground = await newGround();
    const other = await ground.plan();
    await writeFile(join(other.control, "secret"), "SECRET");
    const words = await said(
      ground,
      `ls -aR ${ground.root} ${other.control} /waybill 2>/dev/null; cat /proc/mounts; cat ${other.control}/secret 2>/dev/null`,
    );
    expect(words).not.toContain(other.runId);
    expect(words).not.toContain("SECRET");
    expect(words).not.toMatch(/control$|environment/mu);
  });

  test.concurrent("finds no secret of the host in its environment or the container's record", async () => {
    await using ground = await newGround();
    process.env["WAYBILL_TEST_SECRET"] = "of-the-host";
    try {
      const transport = ground.transport();
      const plan = await ground.plan({ program: "env" });
      await transport.start(plan);
      await sightings(transport, plan);
      expect(await ground.read(plan, "stdout")).not.toContain("of-the-host");
      expect(await docker("inspect", nameOf(plan))).not.toContain("of-the-host");
    } finally {
      delete process.env["WAYBILL_TEST_SECRET"];
    }
  });
});

await describeWithDocker("what an option loosens, and no more", [baseImage], () => {
  beforeAll(() => buildTestImage());

  test.concurrent("an extra mount is read-only unless it says write, and its links are resolved", async () => {
    await using ground = await newGround();
    const real = join(ground.root, "real, with a comma");
    await mkdir(real);
    await writeFile(join(real, "word"), "found");
    await chmod(real, 0o777);
    await chmod(join(real, "word"), 0o666);
    await symlink(real, join(ground.root, "link"));
    const host = join(ground.root, "link");
    const program = "cat /extra/word; echo more >> /extra/word && echo WROTE";
    const reading = await said(ground, program, { mounts: [{ host, at: "/extra" }] });
    expect(reading).toContain("found");
    expect(reading).not.toContain("WROTE");
    const writing = { mounts: [{ host, at: "/extra", write: true }] };
    expect(await said(ground, program, writing)).toContain("WROTE");
    expect(await readFile(join(real, "word"), "utf8")).toBe("foundmore\n");
  });

  test.concurrent("a mount of the engine's socket is refused before anything starts", async () => {
    await using ground = await newGround();
    const mounts = [{ host: "/var/run/docker.sock", at: "/engine.sock" }];
    const transport = ground.transport({ mounts });
    await expect(transport.check()).rejects.toMatchObject({ code: "MOUNT_REFUSED" });
    await expect(transport.start(await ground.plan())).rejects.toMatchObject({
      code: "MOUNT_REFUSED",
    });
  });

  test.concurrent("a capability, a writable root and a larger tmpfs come by name", async () => {
    await using ground = await newGround();
    const capable = await said(ground, "grep CapBnd /proc/self/status", {
      capabilities: ["NET_BIND_SERVICE"],
    });
    expect(capable).toMatch(/^CapBnd:\s+0000000000000400$/mu);
    const mounts = "grep -E ' (/|/tmp|/scratch) ' /proc/mounts";
    const open = await said(ground, mounts, {
      readOnlyRoot: false,
      tmpfs: { "/tmp": "rw,size=1m", "/scratch": "rw,size=2m" },
    });
    expect(open).toMatch(/ \/ overlay rw/u);
    expect(open).toMatch(/ \/scratch tmpfs .*size=2048k/u);
    expect(await said(ground, mounts)).toMatch(/ \/ overlay ro/u);
  });

  test.concurrent("a session's Unicode names survive in labels and come back from list()", async () => {
    await using ground = await newGround();
    const transport = ground.transport();
    const plan = await ground.plan({ sessionId: 'Кодер = «один», "two"\\n' });
    await transport.start(plan);
    const [listed] = await transport.list(ground.owner);
    expect(listed).toMatchObject({ sessionId: plan.sessionId, epoch: 3, control: plan.control });
  });
});
