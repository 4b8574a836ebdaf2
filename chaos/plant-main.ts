import { readFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { plants } from "./plants/index.ts";
import { edited, type Plant } from "./plants/plant.ts";

const usage = `pnpm chaos --plant NAME|list|all [--json]

Builds a known bug into the product while it is loaded, and breaks things: the exit code must be other
than 0, or the proof proves nothing.

  NAME    one bug; the exit code is that of the run that should notice it
  list    names them, and checks that each still finds its place in the sources
  all     every one, and each run without a bug: 0 only if all were noticed and nothing else was`;

/** Plants bugs, as the command line says; resolves with the exit code. */
export async function plantMain(argv: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      plant: { type: "string", default: "" },
      json: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    console.log(usage);
    return 0;
  }
  if (values.plant === "list") return list(values.json);
  if (values.plant === "all") return all(values.json);
  const plant = plants.find(({ name }) => name === values.plant);
  if (plant === undefined) {
    console.error(`There is no plant "${values.plant}".\n\n${usage}`);
    return 2;
  }
  console.error(`${plant.name}: ${plant.why}`);
  const { exitCode, output } = await run(plant.caughtBy, plant);
  console.log(output);
  return exitCode;
}

async function list(json: boolean): Promise<number> {
  let code = 0;
  for (const { name, why, edits, caughtBy } of plants) {
    const problems = await Promise.all(edits.map(problemOf));
    const problem = problems.find((each) => each !== null) ?? null;
    if (problem !== null) code = 1;
    if (json) console.log(JSON.stringify({ name, why, caughtBy: caughtBy.join(" "), problem }));
    else console.log(`${name.padEnd(18)} ${problem ?? why}`);
  }
  return code;
}

async function problemOf(edit: Plant["edits"][number]): Promise<string | null> {
  try {
    edited(await readFile(new URL(`../${edit.file}`, import.meta.url), "utf8"), edit);
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}

/** What a run found, of its summary; null where it did not come to one. */
interface Outcome {
  readonly exitCode: number;
  readonly output: string;
  /** Whether it ended with a summary that says so: a program that falls over has noticed nothing. */
  readonly noticed: boolean;
}

async function all(json: boolean): Promise<number> {
  const summary = {
    plants: plants.length,
    caught: 0,
    missed: [] as string[],
    falseAlarms: [] as string[],
  };
  const controls = new Map(plants.map(({ caughtBy }) => [caughtBy.join(" "), caughtBy]));
  for (const [name, argv] of controls) {
    const { exitCode } = await run(argv, null);
    console.error(`${exitCode === 0 ? "quiet" : "FALSE ALARM"}  without a plant: ${name}`);
    if (exitCode !== 0) summary.falseAlarms.push(name);
  }
  for (const plant of plants) {
    const { noticed, exitCode } = await run(plant.caughtBy, plant);
    console.error(
      `${noticed ? "caught" : `MISSED (exit code ${exitCode})`}  ${plant.name}: ${plant.why}`,
    );
    if (noticed) summary.caught += 1;
    else summary.missed.push(plant.name);
  }
  console.log(json ? JSON.stringify(summary) : summary);
  return summary.missed.length + summary.falseAlarms.length === 0 ? 0 : 1;
}

async function run(argv: readonly string[], plant: Plant | null): Promise<Outcome> {
  const path = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
  const hook = plant === null ? [] : ["--import", new URL("plants/hook.ts", import.meta.url).href];
  const { exitCode = -1, stdout } = await execa(
    process.execPath,
    ["--conditions=@waybill/source", ...hook, path("main.ts"), ...argv, "--json"],
    {
      env: plant === null ? {} : { WAYBILL_PLANT: plant.name },
      stderr: plant === null ? "inherit" : "ignore",
      reject: false,
      timeout: 600_000,
    },
  );
  const last = stdout.trimEnd().split("\n").at(-1) ?? "";
  return { exitCode, output: last, noticed: exitCode === 1 && last.startsWith("{") };
}
