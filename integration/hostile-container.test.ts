// A hostile process in a real container against fsMailbox on the leaves that are mounted there.
import { execFileSync } from "node:child_process";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { AgentWord, Mailbox } from "@waybill/core";
import { fsMailbox } from "@waybill/ipc-fs";
import { describeWithDocker } from "./docker-engine.ts";
import { hear, type Ear } from "./hostile/heard-words.ts";
import {
  SECRET,
  hostPath,
  startHostile,
  walls,
  type HostileContainer,
  type Wall,
} from "./hostile/hostile-container.ts";
import { measureFlood } from "./hostile/measure-flood.ts";
import { isLong, PATIENCE_MS } from "./hostile/patience.ts";
import { PLANTED } from "./hostile/planted.ts";
import { readWhileSwapped } from "./hostile/read-while-swapped.ts";

const isRoot = process.getuid?.() === 0;
const READS = isLong ? 200_000 : 20_000;

const LONGEST = { timeout: PATIENCE_MS + 20_000 };

await describeWithDocker("a hostile container", ["node:24-slim"], () => {
  describe.each(Object.keys(walls) as Wall[])("as %s", LONGEST, (wall) => {
    let root: string;
    let secret: string;
    let mailbox: Mailbox;
    let agent: HostileContainer;
    let old: HostileContainer;
    let ear: Ear;
    let seq = 1;
    const start = (sessionId: string, protocol: 0 | 1 = 1): Promise<HostileContainer> =>
      startHostile({ mailbox, wall, secret, protocol, sessionId });

    beforeAll(async () => {
      root = await mkdtemp(join(tmpdir(), "wb-hostile-"));
      secret = join(root, "secret");
      await writeFile(secret, SECRET);
      mailbox = fsMailbox({ root: join(root, "mail"), gapMs: 300 });
      [agent, old] = await Promise.all([start("hostile"), start("old", 0)]);
      ear = hear(mailbox, agent.plan);
      await agent.order("hello");
      await ear.through(1, 1);
    });
    afterAll(async () => {
      await ear.stop();
      await agent[Symbol.asyncDispose]();
      await old[Symbol.asyncDispose]();
      await mailbox.close();
      await rm(root, { recursive: true, force: true });
    }, PATIENCE_MS); // a million files go slowly

    /** Plants it as the next word, with a good word after it; gives what the host made of it. */
    const plant = async (name: string): Promise<AgentWord | undefined> => {
      expect(await agent.order("plant", name, seq + 1)).toBe("ok");
      const [word, next] = await ear.through(seq + 1, seq + 2);
      expect(next).toMatchObject({ type: "accepted", message: `after-${name}` });
      seq += 2;
      return word;
    };

    test.each(PLANTED)(
      "%s is an unreadable word, and the next one is heard",
      async (_, name, code) => {
        expect(await plant(name)).toMatchObject({ type: "unreadable", code });
      },
    );

    test.each(["character", "block"])("a %s device is never opened", async (name) => {
      if (wall === "the hardened default") {
        expect(await agent.order("plant", name, seq + 1)).toBe("refused: Operation not permitted");
        seq += 1;
        await ear.through(seq, seq);
      } else {
        expect(await plant(name)).toMatchObject({ code: "NOT_A_FILE", reason: "It is a device." });
      }
    });

    test("a file that grows while it is read is never read beyond the limit", async () => {
      expect(await plant("growing")).toMatchObject({ type: "unreadable" });
    });

    test("a file with a second name is read, as one whose writer has yet to remove the other", async () => {
      expect(await plant("linked")).toMatchObject({ type: "accepted", message: "linked" });
    });

    test("a file without any permission is read by a root host, and unreadable to another", async () => {
      const word = await plant("unreadable");
      expect(word).toMatchObject(
        isRoot ? { type: "accepted", message: "unreadable" } : { code: "UNREADABLE_FILE" },
      );
    });

    test("lone surrogates and NUL are repaired", async () => {
      expect(await plant("surrogate")).toMatchObject({ operation: { content: "a\uFFFDb\uFFFDc" } });
    });

    test("__proto__ and constructor beside the data change no object", async () => {
      expect(await plant("prototype-beside")).toEqual({
        type: "accepted",
        turn: "t",
        message: "m",
      });
      expect("polluted" in {}).toBe(false);
    });

    test("fields that claim an identity, a session or a key are left out", async () => {
      expect(await plant("identity")).toEqual({
        type: "operation",
        operation: { type: "chat.send", chat: "7", content: "hi" },
      });
    });

    test("names that are no UTF-8, with newlines, escapes or 255 bytes do not disturb the sequence", async () => {
      expect(Number(await agent.order("names"))).toBe(12);
      await agent.order("say", seq + 1, "after-names");
      expect(await ear.through(seq + 1, seq + 1)).toMatchObject([{ message: "after-names" }]);
      seq += 1;
    });

    test("2,000 leftovers of temporary files do not disturb the sequence", async () => {
      await agent.order("leftovers");
      await agent.order("say", seq + 1, "after-leftovers");
      expect(await ear.through(seq + 1, seq + 1)).toMatchObject([{ message: "after-leftovers" }]);
      seq += 1;
    });

    test("a number that was used is not heard again with other content", async () => {
      await agent.order("say", seq, "another");
      await agent.order("say", seq + 1, "next");
      await ear.through(seq + 1, seq + 1);
      await pause(300);
      expect(JSON.stringify(ear.words)).not.toContain('another"');
      seq += 1;
    });

    test("a heartbeat that is a FIFO and a stream that is a link show nothing of the host", async () => {
      const before = ear.others.length;
      await agent.order("life");
      await agent.order("say", seq + 1, "after-life");
      await ear.through(seq + 1, seq + 1);
      seq += 1;
      expect(ear.others.slice(before).filter(({ type }) => type === "activity")).toEqual([]);
    });

    test("a stream of junk is thinned out and stops nothing", async () => {
      const before = ear.others.length;
      await agent.order("streams");
      await agent.order("say", seq + 1, "after-streams");
      await ear.through(seq + 1, seq + 1);
      seq += 1;
      const shown = ear.others.slice(before).filter(({ type }) => type === "activity");
      expect(shown.length).toBeLessThanOrEqual(400);
    });

    test("the wall refuses to move a leaf, to write where it may only read, and to cross leaves", async () => {
      await mailbox.put(agent.plan, { type: "interrupt", turn: "t" });
      const said = await agent.order("refused");
      expect(said).not.toContain("DONE");
      const refusals = Object.fromEntries(said.split("; ").map((line) => line.split(": ")));
      expect(refusals).toMatchObject({
        "remove from the inbox": "Read-only file system",
        "open up the inbox": "Read-only file system",
        "rename into another leaf": "Invalid cross-device link",
        "link out of the inbox": "Invalid cross-device link",
      });
      if (wall !== "the hardened default") {
        expect(refusals["move the outbox"]).toBe("Device or resource busy");
        expect(refusals["exchange the outbox"]).toMatch(/busy|cross-device/);
      }
    });

    test("an outbox that is closed, or given away, is read by a root host, or an error with a code", async () => {
      await agent.order("say", seq + 1, "before-shut");
      await ear.through(seq + 1, seq + 1);
      seq += 1;
      await agent.order("shut");
      const failed = ear.until(() => false, "an error").catch((error: unknown) => error);
      if (!isRoot) expect(await failed).toMatchObject({ code: "MAILBOX_UNWRITABLE" });
      await agent.order("unshut");
      const given = await agent.order("give");
      expect(given).toBe(wall === "the hardened default" ? "Operation not permitted" : "ok");
      await agent.order("say", seq + 1, "after-shut");
      await ear.through(seq + 1, seq + 1);
      seq += 1;
    }, 15_000);

    test.each([
      ["files that are swapped for links", "file"],
      ["an outbox that is swapped for a link", "leaf"],
      ["the folder above that is swapped for a link", "parent"],
    ] as const)(`%s leak nothing in ${READS} reads`, async (_, kind) => {
      await ear.stop();
      const through = seq + 64;
      if (kind !== "file") await agent.order("many", seq + 1, through);
      const read = await readWhileSwapped({
        agent,
        mailbox,
        kind,
        from: seq + 1,
        through,
        reads: READS,
      });
      const [done = "0", refused = "0", ...why] = read.swaps.split(" ");
      process.stdout.write(
        `  ${wall}: ${kind}: ${read.reads} reads (${read.words} words, ${read.unreadable} refused) while ${done} swaps were done and ${refused} refused ${why.join(" ")}\n`,
      );
      expect(read.leaks).toBe(0);
      expect(read.reads).toBeGreaterThanOrEqual(READS);
      if (kind === "file") {
        expect(Number(done)).toBeGreaterThan(1_000);
        expect(read.words).toBeGreaterThan(100);
        expect(read.unreadable).toBeGreaterThan(100);
      } else if (kind === "leaf") {
        expect(done).toBe("0");
      }
      ear = hear(mailbox, agent.plan, seq);
      await ear.through(seq + 1, through);
      seq = through;
    });

    test("no dead letter and no word holds anything of the host", async () => {
      const folder = join(dirname(hostPath(agent.plan, "/waybill/outbox")), "dead-letters");
      expect((await readdir(folder)).length).toBeGreaterThan(40);
      const hits = (): string =>
        execFileSync("grep", ["-rl", SECRET, folder], { encoding: "utf8" });
      expect(hits).toThrow("Command failed");
      expect(JSON.stringify(ear.words)).not.toContain(SECRET);
    });

    test("files of an old agent: links, FIFOs, paths in ids, identity, a torn frame, `_close` as a link", async () => {
      const host = hear(mailbox, old.plan);
      for (const what of ["link", "fifo", "folder", "path", "identity", "sparse", "forge"])
        expect(await old.order("old", what)).toBe("ok");
      await host.until(() => host.words.length >= 7, "seven words");
      const codes = host.words.map(({ word }) => ("code" in word ? word.code : word.type));
      expect(codes.filter((code) => code === "NOT_A_FILE")).toHaveLength(3);
      expect(codes).toEqual(expect.arrayContaining(["INVALID_OPERATION", "TOO_LARGE", "hello"]));
      expect(host.words.map(({ word }) => word)).toContainEqual({
        type: "operation",
        operation: { type: "chat.send", chat: "7", content: "hi" },
      });
      expect(await old.order("old", "close")).toBe("ok");
      await mailbox.put(old.plan, { type: "close", reason: "done", deadlineMs: 1_000 });
      expect(execFileSync("cat", [secret], { encoding: "utf8" })).toBe(SECRET);
      const after = host.words.at(-1)?.seq ?? 0;
      await host.stop();
      const swapped = hear(mailbox, old.plan, after);
      const count = isLong ? 40_000 : 8_000;
      await old.order("old-swap", count);
      await swapped.until(() => swapped.words.length >= count / 2, "swapped files");
      const swaps = await old.order("stop");
      process.stdout.write(
        `  ${wall}: protocol 0: ${swapped.words.length} files, swaps ${swaps}\n`,
      );
      expect(JSON.stringify(swapped.words)).not.toContain(SECRET);
      await swapped.stop();
    });

    test("floods of words, of events and of junk leave the host and another session their time", async () => {
      await using flooder = await start("flooder");
      await using calm = await start("calm");
      const junk = isLong ? 1_000_000 : 30_000;
      for (const figures of await measureFlood({ mailbox, flooder, calm, junk })) {
        const { kind, loopP50Ms, loopP99Ms, ticksP50, quietP50Ms, floodP50Ms, floodP99Ms, flood } =
          figures;
        process.stdout.write(
          `  ${wall}: flood of ${kind} (${flood}): loop delay p50 ${loopP50Ms.toFixed(1)} (${figures.quietLoopP50Ms.toFixed(1)} without) p99 ${loopP99Ms.toFixed(1)} ms; another session's word after ${floodP50Ms.toFixed(1)} ms p50, ${floodP99Ms.toFixed(1)} p99, ${quietP50Ms.toFixed(1)} without; ${ticksP50} ticks of the flood in between\n`,
        );
        expect(loopP50Ms - figures.quietLoopP50Ms).toBeLessThan(20);
        // The tick that was under way, and one more.
        expect(ticksP50).toBeLessThanOrEqual(2);
      }
    });
  });
});
