import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RunPlan } from "@waybill/core";
import { execa } from "execa";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { startLine, startLineCode } from "../src/start/start-line.ts";

// The start line runs in whatever shell the image has, so it is tried in those that are here.
const shells = ["sh", "dash", "bash", "busybox"].filter((shell) => {
  try {
    execFileSync("which", [shell]);
    return true;
  } catch {
    return false;
  }
});

let root = "";
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "waybill-start-line-"));
  await mkdir(join(root, "launch"));
  await writeFile(join(root, "stdin"), "the word\n");
});
afterEach(() => rm(root, { recursive: true, force: true }));

const marker = (): Promise<string> => readFile(join(root, "launch/started"), "utf8");
const stdout = (): Promise<string> => readFile(join(root, "stdout"), "utf8");

async function run(
  shell: string,
  argv: readonly string[],
  lease?: { readonly ms: number; readonly graceMs: number },
): Promise<number | undefined> {
  const at = (name: string) => ({ host: "", at: join(root, name) });
  const plan = {
    launch: at("launch"),
    stdin: at("stdin"),
    stdout: at("stdout"),
    stderr: at("stderr"),
    ...(lease === undefined ? {} : { lease: { ...lease, file: at("lease") } }),
  } as RunPlan;
  const args = startLine(plan, "token-1", argv);
  const command = shell === "busybox" ? ["busybox", "sh", ...args] : [shell, ...args];
  const result = await execa(command[0]!, command.slice(1), { reject: false, timeout: 15_000 });
  return result.exitCode;
}

describe.for(shells)("the start line in %s", (shell) => {
  test("takes the marker and becomes the program, with its arguments as they are", async () => {
    const words = ["a b", "", "$HOME", "'\"\\", "*", "--", "-n"];
    const code = await run(shell, ["sh", "-c", 'cat; printf "<%s>" "$@"; exit 7', "sh", ...words]);
    expect(code).toBe(7);
    expect(await stdout()).toBe(`the word\n${words.map((word) => `<${word}>`).join("")}`);
    expect(await marker()).toBe("token-1\n");
  });

  test("appends to the streams", async () => {
    await writeFile(join(root, "stdout"), "before ");
    await run(shell, ["echo", "after"]);
    expect(await stdout()).toBe("before after\n");
  });

  test("leaves nothing of the shell behind: the program has its process", async () => {
    await run(shell, ["sh", "-c", "echo $$ $PPID"]);
    const [pid, parent] = (await stdout()).trim().split(" ").map(Number);
    expect(parent).toBe(process.pid);
    expect(pid).not.toBe(parent);
  });

  test("does not run where a marker is, whatever it is", async () => {
    const path = join(root, "launch/started");
    const makers: (() => Promise<unknown>)[] = [
      () => writeFile(path, ""),
      () => symlink("/dev/null", path),
      () => symlink("/nowhere", path),
      () => mkdir(path),
      () => execa("mkfifo", [path]),
    ];
    for (const make of makers) {
      await make();
      expect(await run(shell, ["echo", "ran"])).toBe(startLineCode.marker);
      await rm(path, { recursive: true });
    }
    expect(await stdout()).toBe("");
  });

  test("does not take the marker for a stream that cannot be opened", async () => {
    await rm(join(root, "stdin"));
    expect(await run(shell, ["true"])).toBe(startLineCode.streams);
    await expect(marker()).rejects.toThrow(/ENOENT/u);
  });

  test("does not take the marker for a program that is not there", async () => {
    for (const program of ["no-such-program", "/no/such/program", "/etc/passwd"]) {
      expect(await run(shell, [program])).toBe(startLineCode.command);
    }
    await expect(marker()).rejects.toThrow(/ENOENT/u);
  });

  test("does not run where the marker cannot be made", async () => {
    await rm(join(root, "launch"), { recursive: true });
    expect(await run(shell, ["echo", "ran"])).toBe(startLineCode.marker);
    expect(await stdout()).toBe("");
  });

  test("is won by one of many", async () => {
    const codes = await Promise.all(
      Array.from({ length: 8 }, () => run(shell, ["sh", "-c", "echo ran; exit 0"])),
    );
    expect(codes.filter((code) => code === 0)).toHaveLength(1);
    expect(await stdout()).toBe("ran\n");
  });

  test("does not run under a lease that has ended, and leaves the marker to the next start", async () => {
    const lease = { ms: 20_000, graceMs: 1_000 };
    for (const text of ["0\n", `${Date.now() - 1_000}\n`, ""]) {
      await writeFile(join(root, "lease"), text);
      expect(await run(shell, ["echo", "ran"], lease)).toBe(startLineCode.lease);
    }
    await expect(marker()).rejects.toThrow(/ENOENT/u);
    // As long as the mailbox writes it, with zeros before it.
    await writeFile(join(root, "lease"), `${String(Date.now() + 60_000).padStart(15, "0")}\n`);
    expect(await run(shell, ["echo", "ran"], lease)).toBe(0);
    expect(await stdout()).toBe("ran\n");
  });

  test("ends the program when the lease has ended, and says so", async () => {
    await writeFile(join(root, "lease"), `${Date.now() + 1_500}\n`);
    const program = ["sh", "-c", "trap 'exit 9' TERM; while :; do sleep 0.1; done"];
    expect(await run(shell, program, { ms: 20_000, graceMs: 1_000 })).toBe(9);
    expect(await readFile(join(root, "launch/lease-ended"), "utf8")).toBe("\n");
  });

  test("ends a program whose lease nobody renews, also where the wall clock was set back", async () => {
    await writeFile(join(root, "lease"), `${Date.now() + 3_600_000}\n`);
    const program = ["sh", "-c", "trap 'exit 9' TERM; while :; do sleep 0.1; done"];
    expect(await run(shell, program, { ms: 2_000, graceMs: 1_000 })).toBe(9);
  });
});
