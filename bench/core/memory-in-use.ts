import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as (options?: { readonly type: "minor" }) => void;

/** Bytes of the heap that are in use after everything that can be let go is gone. */
export function heapInUse(): number {
  collect();
  collect();
  return process.memoryUsage().heapUsed;
}

/** Empties the part of the heap for what is new, so that what comes next does not pay for what was. */
export function collectNew(): void {
  collect({ type: "minor" });
  collect({ type: "minor" });
}
