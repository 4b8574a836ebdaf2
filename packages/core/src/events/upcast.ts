import type { Json, JsonObject } from "../json.ts";
import type { SessionEventType } from "./catalogue.ts";

/** Turns an event's data of one schema into the next one's. */
export type Upcaster = (data: JsonObject) => JsonObject;

/**
 * Upcasters by event type: the first turns schema 1 into 2, the second 2 into 3. A log is never
 * rewritten; it is read through these. Released schemas have golden files in the tests.
 */
const upcasters: Partial<Readonly<Record<SessionEventType, readonly Upcaster[]>>> = {};

/** The data as the present schema has it. */
export function upcast(
  type: SessionEventType,
  schema: number,
  data: Json,
  chains: typeof upcasters = upcasters,
): Json {
  const chain = chains[type] ?? [];
  return chain.slice(schema - 1).reduce((each, next) => next(each), data as JsonObject);
}
