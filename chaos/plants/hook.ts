// Loaded by `node --import` before the program: builds the plant that WAYBILL_PLANT names into each
// source that it is about, as that is loaded.
import { registerHooks } from "node:module";
import { fileURLToPath } from "node:url";
import { plants } from "./index.ts";
import { edited } from "./plant.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const name = process.env["WAYBILL_PLANT"];
const plant = plants.find((each) => each.name === name);
if (plant === undefined) throw new TypeError(`There is no plant "${name}".`);
const waiting = new Set(plant.edits.map(({ file }) => file));

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    const edits = plant.edits.filter(
      ({ file }) => url === new URL(`../../${file}`, import.meta.url).href,
    );
    if (edits.length === 0) return loaded;
    for (const { file } of edits) waiting.delete(file);
    return { ...loaded, source: edits.reduce(edited, String(loaded.source)) };
  },
});

process.on("exit", () => {
  if (waiting.size === 0) return;
  console.error(
    `The plant ${name} was never built in: ${[...waiting].join(", ")} under ${root} was not loaded.`,
  );
  process.exitCode = 70;
});
