// `pnpm chaos`: breaks things and counts. Exits non-zero where anything was lost, repeated or turned round.

/** Each way to break things, by the option that asks for it; without one, real processes are killed. */
const ways: Readonly<Record<string, () => Promise<(argv: readonly string[]) => Promise<number>>>> =
  {
    "--store": async () => (await import("./shared-main.ts")).sharedMain,
    "--transport": async () => (await import("./transport-main.ts")).transportMain,
    "--simulate": async () => (await import("./simulate-main.ts")).simulateMain,
    "--points": async () => (await import("./points-main.ts")).pointsMain,
    "--plant": async () => (await import("./plant-main.ts")).plantMain,
  };

const argv = process.argv.slice(2);
const asked = argv.map((word) => word.split("=")[0] ?? "");
// A plant is asked for together with what shall catch it, so it comes first.
const way = Object.keys(ways)
  .toReversed()
  .find((option) => asked.includes(option));
const main = (await ways[way ?? ""]?.()) ?? (await import("./kills-main.ts")).killsMain;
// What hangs on purpose (a dead orchestrator's calls) must not keep the program from ending.
process.exit(await main(argv));
