import { randomBytes, randomUUID } from "node:crypto";
import type { Ids } from "../ports/ids.ts";

/** Ids from the machine's random source; a run's has 96 random bits. */
export const randomIds: Ids = {
  run: () => `run-${randomBytes(12).toString("hex")}`,
  uuid: () => randomUUID(),
};
