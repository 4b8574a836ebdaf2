import { writeSync } from "node:fs";
import { errorCode } from "./error-code.ts";

/** How the start went, as one line on standard output for whoever started the process. */
export type StartWord =
  | { readonly state: "ready" }
  | { readonly state: "busy" }
  | { readonly state: "failed"; readonly code: string; readonly message: string };

/**
 * Says how the start went. Nothing else is ever written to standard output: the starter may die at
 * any time, and the process outlives it.
 */
export function sayStart(word: StartWord): void {
  try {
    writeSync(1, `${JSON.stringify(word)}\n`);
  } catch (error) {
    // The starter is dead already. The next orchestrator finds this process by its control socket.
    if (errorCode(error) !== "EPIPE") throw error;
  }
}
