import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { folderPulse } from "../src/folder-pulse.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "wb-pulse-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const never = { activeMs: 1_000_000, idleMs: 1_000_000 };

test.runIf(process.platform === "linux")(
  "a change of a name that is no hint wakes nobody, and the next one that is does",
  async () => {
    const any = folderPulse({ paths: [folder], ...never });
    const few = folderPulse({
      paths: [folder],
      ...never,
      isHint: (name) => !name.startsWith("."),
    });
    // Opening a watch is a hint of its own: what came before it was not seen.
    await Promise.all([any.next("quiet"), few.next("quiet")]);
    let isWoken = false;
    const woken = few.next("quiet").then(() => {
      isWoken = true;
    });
    const told = any.next("quiet");
    await writeFile(join(folder, ".word.tmp"), "x");
    await told;
    await turn();
    expect(isWoken).toBe(false);
    await writeFile(join(folder, "word"), "x");
    await woken;
    any.close();
    few.close();
  },
);

test("without a watch, whoever just said something is looked at before who did not", async () => {
  const options = { paths: [folder], watch: false, pollMs: 100 };
  const [talker, silent] = [folderPulse(options), folderPulse(options)];
  const first = await Promise.race([
    silent.next("quiet").then(() => "silent"),
    talker.next("found").then(() => "talker"),
  ]);
  expect(first).toBe("talker");
  talker.close();
  silent.close();
});

test("closing a pulse wakes who waits for it", async () => {
  const pulse = folderPulse({ paths: [folder], ...never });
  await pulse.next("quiet");
  const woken = pulse.next("quiet");
  pulse.close();
  await woken;
  await pulse.next("quiet");
});
