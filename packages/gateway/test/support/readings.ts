import type { Gateway, MeterMarks, MeterReading } from "@waybill/core";

/**
 * What a gateway has to say of a session now. Only the first batch: asking for the next one would say
 * that this one is recorded, and it would be forgotten.
 */
export async function readingsOf(
  gateway: Gateway,
  after: MeterMarks = {},
  owner = "store-1",
): Promise<MeterReading[]> {
  const { signal } = new AbortController();
  const how = { after, follow: false, signal };
  for await (const batch of gateway.readings({ owner, sessionId: "task-42" }, how)) {
    return [...batch];
  }
  return [];
}

/** The readings that cost something. */
export async function usageOf(
  gateway: Gateway,
  after?: MeterMarks,
): Promise<Extract<MeterReading, { type: "usage" }>[]> {
  return (await readingsOf(gateway, after)).filter((reading) => reading.type === "usage");
}
