import type { Socket } from "node:net";
import { createInterface } from "node:readline";

/** Calls back for each line that comes. A connection that breaks only ends them. */
export function linesOf(socket: Socket, onLine: (line: string) => void): void {
  // The interface tells of the socket's errors once more.
  createInterface({ input: socket })
    .on("line", onLine)
    .on("error", () => undefined);
}
