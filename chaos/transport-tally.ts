import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Json } from "@waybill/core";
import { sqliteStore } from "@waybill/store-sqlite";
import { eventText, startsFile } from "./transport-events.ts";

/** What the log and the agents' own notes say in the end. */
export interface TransportTally {
  /** What the agents said. */
  readonly events: number;
  /** What they said that is not in the log, or not as they said it. */
  readonly lost: number;
  /** What is in the log more than once. */
  readonly repeated: number;
  /** What came before something that it should have followed. */
  readonly outOfOrder: number;
  /** Sessions whose agent began. */
  readonly starts: number;
  /** How many times more agents began, or runs were asked for, than there were sessions. */
  readonly doubleRuns: number;
}

/** Counts over the log of the orchestrators, which must be gone. */
export async function transportTally(
  data: string,
  sessions: readonly string[],
): Promise<TransportTally> {
  const heard = new Map<string, string[]>(sessions.map((id) => [id, []]));
  const said = new Map<string, number>();
  const texts = new Map<string, string>();
  let runs = 0;
  await using store = sqliteStore({ path: join(data, "waybill.db"), lockWaitMs: 10_000 });
  await store.open();
  for await (const page of store.readAll()) {
    for (const { stream, type, data: fields } of page) {
      if (type === "RunRequested") runs += 1;
      if (type !== "TurnEnded") continue;
      const [turnId, text] = [fieldOf(fields, "turnId"), fieldOf(fields, "text")];
      if (turnId === "talk") said.set(stream, Number(text));
      else if (turnId !== "enough") heard.get(stream)?.push(turnId);
      texts.set(`${stream} ${turnId}`, text);
    }
  }
  let [events, lost, repeated, outOfOrder] = [0, 0, 0, 0];
  for (const [session, turns] of heard) {
    const total = said.get(session);
    // Without its last word nobody knows what it said: that word itself is lost.
    if (total === undefined) lost += 1;
    events += total ?? 0;
    for (let number = 1; number <= (total ?? 0); number += 1) {
      if (texts.get(`${session} e${number}`) !== eventText(number)) lost += 1;
    }
    repeated += turns.length - new Set(turns).size;
    const numbers = turns.map((name) => Number(name.slice(1)));
    outOfOrder += numbers.filter((number, at) => number < (numbers[at - 1] ?? 0)).length;
  }
  const notes = await startNotes(data);
  const began = new Set(notes.map(({ path }) => path)).size;
  const excess = Math.max(notes.length, runs) - sessions.length;
  return { events, lost, repeated, outOfOrder, starts: began, doubleRuns: Math.max(0, excess) };
}

function fieldOf(data: Json, name: string): string {
  const isObject = typeof data === "object" && data !== null && !Array.isArray(data);
  const value = isObject ? Object.entries(data).find(([key]) => key === name)?.[1] : undefined;
  if (typeof value === "string") return value;
  throw new Error(`A TurnEnded without "${name}" is in the log.`);
}

/** Every line that an agent wrote when it began, with the file where it did. */
async function startNotes(data: string): Promise<readonly { readonly path: string }[]> {
  const notes: { path: string }[] = [];
  for (const entry of await readdir(data, { recursive: true, withFileTypes: true })) {
    if (entry.name !== startsFile || !entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const lines = (await readFile(path, "utf8")).split("\n").filter((line) => line !== "");
    notes.push(...lines.map(() => ({ path })));
  }
  return notes;
}
