// The programs that prove the product must be ones that can be believed: the same seed tells the same
// story, and a bug that was built in on purpose is noticed. CI runs them at length; here, in short.
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { describe, expect, test } from "vitest";

const program = fileURLToPath(new URL("../chaos/main.ts", import.meta.url));

interface Ended {
  readonly exitCode: number | undefined;
  readonly stdout: string;
}

async function chaos(...argv: readonly string[]): Promise<Ended> {
  const { exitCode, stdout } = await execa(
    process.execPath,
    ["--conditions=@waybill/source", program, ...argv],
    { reject: false, stdin: "ignore" },
  );
  return { exitCode, stdout };
}

describe("pnpm chaos --simulate", () => {
  test("tells the same story byte for byte for the same seed, event by event", async () => {
    const seed = String(Date.now() % 1_000_000_000);
    const words = ["--simulate", "--seed", seed, "--runs", "20", "--json"];
    const [one, other] = await Promise.all([chaos(...words), chaos(...words)]);
    expect(other.stdout).toBe(one.stdout);
    const summary: unknown = JSON.parse(one.stdout);
    expect(summary).toMatchObject({ runs: 20, digest: expect.stringMatching(/^[0-9a-f]{64}$/) });
    expect(summary).toHaveProperty(
      "events",
      expect.toSatisfy((count: number) => count > 500),
    );
  });

  test("tells another story for another seed", async () => {
    const [one, other] = await Promise.all(
      ["1", "2"].map((seed) => chaos("--simulate", "--seed", seed, "--json")),
    );
    expect(digestOf(one)).not.toBe(digestOf(other));
  });
});

describe("pnpm chaos --points all", () => {
  test("crashes at single points and at pairs of them, and counts nothing lost or repeated", async () => {
    const { exitCode, stdout } = await chaos(
      ...["--points", "all", "--shard", "1/50", "--pairs", "10", "--json"],
    );
    expect(JSON.parse(stdout)).toMatchObject({ pairs: 10, lost: 0, repeated: 0, differences: 0 });
    expect(exitCode).toBe(0);
  });

  test("refuses a number of pairs that is none, by its name", async () => {
    const { exitCode } = await chaos("--points", "all", "--pairs", "many");
    expect(exitCode).not.toBe(0);
  });
});

describe("pnpm chaos --plant", () => {
  test("lists every bug, and each still finds its place in the sources", async () => {
    const { exitCode, stdout } = await chaos("--plant", "list", "--json");
    const plants = stdout.split("\n").map((line) => JSON.parse(line) as { readonly name: string });
    expect(plants.map(({ name }) => name)).toEqual([
      "unlink-first",
      "no-key",
      "skip-drain",
      "rerun-on-conflict",
      "ack-on-accept",
      "second-start",
      "forget-deadline",
      "skip-unknown",
      "act-first",
      "no-limit",
      "no-agent-limit",
      "uncounted",
      "stale-sweep",
    ]);
    expect(exitCode).toBe(0);
  });

  test("exits with 1 where a bug was built in, after a summary that says what it broke", async () => {
    const { exitCode, stdout } = await chaos("--plant", "no-key", "--json");
    expect(exitCode).toBe(1);
    const { differences } = JSON.parse(stdout) as { readonly differences: number };
    expect(differences).toBeGreaterThan(0);
  });

  test("exits with 2 for a bug that nobody knows", async () => {
    const { exitCode } = await chaos("--plant", "nobody");
    expect(exitCode).toBe(2);
  });
});

function digestOf(ended: Ended | undefined): unknown {
  return (JSON.parse(ended?.stdout ?? "{}") as { readonly digest?: string }).digest;
}
