// What a hostile process in a real container can use up, and whose things it asks for.
import { execFileSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Letter, Mailbox } from "@waybill/core";
import { fsMailbox } from "@waybill/ipc-fs";
import { describeWithDocker } from "./docker-engine.ts";
import { hear } from "./hostile/heard-words.ts";
import {
  SECRET,
  hostileTransport,
  orderer,
  startHostile,
  walls,
  type HostileContainer,
  type Wall,
} from "./hostile/hostile-container.ts";
import { eventOf, openTestHost } from "./host.ts";

const isRoot = process.getuid?.() === 0;
const why = isRoot ? "" : " (skipped: only root mounts a small disk)";

await describeWithDocker("a hostile container", ["node:24-slim"], () => {
  describe.each(Object.keys(walls) as Wall[])("as %s", (wall) => {
    let root: string;
    let secret: string;
    let mailbox: Mailbox;
    const start = (
      sessionId: string,
      protocol: 0 | 1 = 1,
      box: Mailbox = mailbox,
    ): Promise<HostileContainer> =>
      startHostile({ mailbox: box, wall, secret, protocol, sessionId });

    beforeAll(async () => {
      root = await mkdtemp(join(tmpdir(), "wb-shortage-"));
      secret = join(root, "secret");
      await writeFile(secret, SECRET);
      mailbox = fsMailbox({ root: join(root, "mail"), gapMs: 300 });
    });
    afterAll(async () => {
      await mailbox.close();
      await rm(root, { recursive: true, force: true });
    });

    test("words that are rewritten in place are each heard once, as they were at one moment", async () => {
      await using agent = await start("rewrite");
      const ear = hear(mailbox, agent.plan);
      await agent.order("hello");
      await agent.order("rewrite", 2, 301);
      await ear.through(2, 301);
      await agent.order("say", 302, "after");
      await ear.through(302, 302);
      expect(ear.words.map(({ seq }) => seq)).toEqual(Array.from({ length: 302 }, (_, i) => i + 1));
      const heard = ear.words.slice(1, 301).map(({ word }) => word);
      for (const word of heard) {
        if (word.type === "accepted") expect(word.message).toMatch(/^r\d{9}$/);
        else expect(word).toMatchObject({ type: "unreadable", code: /^(NOT_JSON|TOO_LARGE)$/ });
      }
      const rewritten = heard.filter(
        (word) => word.type !== "accepted" || word.message !== "r000000000",
      );
      expect(rewritten.length).toBeGreaterThan(10);
      await ear.stop();
    });

    test("an agent that takes every inotify instance of its user keeps no host from hearing", async () => {
      await using agent = await start("watches");
      const ear = hear(mailbox, agent.plan);
      await agent.order("hello");
      await ear.through(1, 1);
      try {
        expect(await agent.order("watches")).toBe("Too many open files");
        // The host that watches already, and one that would begin to watch now.
        await agent.order("say", 2, "to-the-old-host");
        await ear.through(2, 2);
        await ear.stop();
        const program = fileURLToPath(new URL("hostile/fresh-host.ts", import.meta.url));
        const fresh = execa(process.execPath, ["--conditions=@waybill/source", program], {
          input: JSON.stringify({ root: join(root, "mail"), plan: agent.plan, after: 2 }),
        });
        let said = "";
        fresh.stdout.on("data", (chunk: Buffer) => {
          said += chunk.toString();
        });
        await expect.poll(() => said, { timeout: 15_000 }).toContain("listening");
        // Root in a container is the host's root to the kernel: there the host has to poll.
        const isShort = isRoot && wall === "root with default capabilities";
        expect(said).toBe(`listening ${isShort ? "EMFILE" : ""}\n`);
        await agent.order("say", 3, "to-a-fresh-host");
        await fresh;
        expect(said).toContain(`"message":"to-a-fresh-host"`);
      } finally {
        await agent.order("unwatch");
      }
    });

    test("an outbox that is filled over its quota is an error with a code, and heard once it is not", async () => {
      const small = fsMailbox({
        root: join(root, "quota"),
        outboxQuota: { entries: 500, bytes: 1_000_000 },
      });
      await using agent = await start("quota", 1, small);
      for (const fill of [["junk", 600], ["fill"]] as const) {
        const ear = hear(small, agent.plan);
        await agent.order(...fill);
        await expect(ear.until(() => false, "an error")).rejects.toMatchObject({
          code: "OUTBOX_OVER_QUOTA",
          class: "transient",
        });
        await ear.stop().catch(() => undefined);
        await agent.order("empty");
      }
      const ear = hear(small, agent.plan);
      await agent.order("hello");
      expect(await ear.through(1, 1)).toMatchObject([{ type: "hello" }]);
      await ear.stop();
      await small.close();
    });

    test.skipIf(!isRoot).each([
      ["bytes", "size=8m", "fill"],
      ["inodes", "size=64m,nr_inodes=600", "exhaust"],
    ])(
      `a disk whose %s an agent used up refuses letters with a code, and all is well once there are some${why}`,
      async (what, size, order) => {
        const disk = await mkdtemp(join(tmpdir(), "wb-small-"));
        execFileSync("mount", ["-t", "tmpfs", "-o", size, "waybill-test", disk]);
        const box = fsMailbox({ root: disk, gapMs: 300 });
        try {
          await using agent = await start(`disk-${what}`, 1, box);
          const ear = hear(box, agent.plan);
          await agent.order("hello");
          await ear.through(1, 1);
          expect(await agent.order("short", order)).toBe("No space left on device");
          await expect(box.put(agent.plan, letter)).rejects.toMatchObject({
            code: "DISK_FULL",
            class: "transient",
          });
          await rm(join(disk, "sessions", `disk-${what}`, "workspace", "spare"), {
            recursive: true,
          });
          await agent.order("empty");
          await box.put(agent.plan, letter);
          await agent.order("say", 2, "after");
          await ear.through(2, 2);
          expect(ear.words.map(({ seq }) => seq)).toEqual([1, 2]);
          expect(await agent.order("list", "/waybill/inbox")).toBe("m.0000000001.0001.json");
          await ear.stop();
        } finally {
          await box.close();
          execFileSync("umount", ["-l", disk]);
          await rm(disk, { recursive: true });
        }
      },
    );

    test("an old agent that puts links in place of its folders, and of the one above, leads the host nowhere", async () => {
      await writeFile(
        join(root, "100-aaaaaaaa.json"),
        JSON.stringify({ type: "chat_message", chat_id: "7", content: SECRET }),
      );
      await using old = await start("old-folders", 0);
      const refused = "Device or resource busy";
      expect(await old.order("old-folders")).toBe(
        `input: ${refused}; messages: ${refused}; tasks: ${refused}`,
      );
      const ear = hear(mailbox, old.plan);
      await mailbox.put(old.plan, letter);
      await ear.until(() => ear.words.length >= 2, "the hello and a file");
      expect(ear.words.map(({ word }) => word)).toMatchObject([
        { type: "hello" },
        { operation: { type: "chat.send", content: "from the true folder" } },
      ]);
      await ear.stop();
      await using next = await start("old-folders", 0);
      const names = (await next.order("list", "/workspace/ipc")).split("\n");
      expect(names.filter((name) => !name.includes(".aside-"))).toEqual([
        "input",
        "messages",
        "tasks",
      ]);
      expect(JSON.stringify(ear.words)).not.toContain(SECRET);
    });

    test("chats of other sessions are refused, and nobody speaks in another's name", async () => {
      await using host = await openTestHost({ transport: hostileTransport(wall, secret) });
      const orchestrator = await host.start();
      const session = await orchestrator.open({
        id: "s",
        agent: "coder",
        scope: { chats: ["7"], tasks: [] },
      });
      await session.send("go");
      await eventOf(orchestrator, "s", "RunStarted");
      const order = orderer(join(host.data, "mail", "sessions", "s", "workspace"));
      await order("hello");
      await order("operation", 2, "8");
      await order("operation", 3, "7");
      let answer = "";
      await expect
        .poll(async () => (answer = await order("answer", 3)), { timeout: 15_000 })
        .not.toBe("");
      expect(JSON.parse(answer)).toMatchObject({ data: { re: 3, status: "delivered" } });
      expect(JSON.parse(await order("answer", 2))).toMatchObject({
        data: { re: 2, status: "rejected" },
      });
      expect(host.tracker.records.messages).toMatchObject([
        { chat_id: "7", content: "from 7", sender_name: "Кодер" },
      ]);
      await session.stop(); // its container goes, too
    });
  });
});

const letter: Letter = {
  type: "message",
  id: "m1",
  delivery: 1,
  position: 1,
  text: "x".repeat(9_000),
  from: null,
};
