/** What the demo found. */
export interface Summary {
  readonly asked: number;
  readonly delivered: number;
  readonly lost: number;
  readonly repeated: number;
  readonly absorbed: number;
  readonly runs: number;
  readonly crashes: number;
  readonly adopted: number;
  readonly resumed: boolean;
  readonly seconds: number;
}

/** Prints the result, counted in the Tracker's own records. */
export function printTable(summary: Summary): void {
  const rows: readonly (readonly [string, string | number])[] = [
    ["operations asked (the script)", summary.asked],
    ["delivered (the Tracker's records)", summary.delivered],
    ["lost", summary.lost],
    ["repeated", summary.repeated],
    ["repeats that the Tracker absorbed by key", summary.absorbed],
    ["orchestrator crashes", summary.crashes],
    ["live runs adopted", summary.adopted],
    ["runs", summary.runs],
    ["the new run remembered", summary.resumed ? "yes" : "no"],
    ["seconds", summary.seconds],
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  console.log("");
  for (const [name, value] of rows)
    console.log(`  ${name.padEnd(width)}  ${String(value).padStart(6)}`);
  console.log("");
}
