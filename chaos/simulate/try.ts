import { simulate, playSeed } from "../simulate.ts";
const [seed, runs] = process.argv.slice(2).map(Number);
if (process.argv[4]) {
  const p = await playSeed(seed!);
  console.log(p.story.join("\n"));
  for (const l of p.log) {
    const e = JSON.parse(l);
    console.log(
      e.stream,
      e.version,
      ((e.recordedAt - Date.UTC(2026, 0, 1)) / 1000).toFixed(3),
      e.type,
      JSON.stringify(e.data).slice(0, 170),
      "<-",
      e.causation,
    );
  }
  console.log(p.problems);
  process.exit();
}
console.log(await simulate({ seed: seed!, runs: runs! }, () => {}));
process.exit();
