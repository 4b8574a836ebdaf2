import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { seededRandom } from "./random.ts";
import type { TransportChaosOptions } from "./transport-options.ts";
import type { TransportTerms } from "./transport-orchestrator.ts";
import { transportPlace } from "./transport-place.ts";
import { transportTally } from "./transport-tally.ts";
import type { TransportTally } from "./transport-tally.ts";
import { victim } from "./transport-victim.ts";

/** What came of it. */
export interface TransportKillsSummary extends TransportTally {
  readonly transport: string;
  readonly seed: number;
  /** SIGKILLs of the orchestrator: those during the talk, and those during starts. */
  readonly kills: number;
  readonly startKills: number;
  readonly seconds: number;
}

type Session = TransportTerms["sessions"][number];

/** Attacks real runs of a transport under a real orchestrator, and counts afterwards. */
export async function transportKills(
  options: TransportChaosOptions,
  tell: (text: string) => void,
): Promise<TransportKillsSummary> {
  const began = performance.now();
  const { transport } = options;
  const random = seededRandom(options.seed);
  await checkPlace(transport);
  const data = await mkdtemp(join(tmpdir(), "waybill-chaos-"));
  const attack = (sessions: readonly Session[]) => victim({ data, transport, sessions });

  const talk = { id: "talk", events: options.events, close: false };
  for (let kills = 0; kills < options.kills;) {
    const orchestrator = attack([talk]);
    // Most are killed at work; every fifth while it still reads its log and looks for its runs.
    if (kills % 5 !== 4) await orchestrator.ready;
    await sleep(random() * 1_000);
    await orchestrator.kill();
    kills += 1;
    if (kills % 10 === 0) tell(`${kills} kills while the agent talks`);
  }
  await finish(attack([{ ...talk, close: true }]));

  const starts: Session[] = [];
  for (let trial = 0; trial < options.starts; trial += 1) {
    // The sessions before this one are closed meanwhile: those runs were found, or were never there.
    const before = starts.slice(-3).map((session) => ({ ...session, close: true }));
    const session = { id: `start-${trial}`, events: 0, close: false };
    starts.push(session);
    const orchestrator = attack([session, ...before]);
    await orchestrator.ready;
    await sleep(random() * 600);
    await orchestrator.kill();
    if (trial % 10 === 9) tell(`${trial + 1} kills during a start`);
  }
  await finish(attack(starts.map((session) => ({ ...session, close: true }))));

  const sessions = [talk, ...starts].map(({ id }) => id);
  const tally = await transportTally(data, sessions);
  const clean = isClean(tally) && tally.starts === sessions.length;
  if (clean) await rm(data, { recursive: true, force: true });
  else tell(`The data is kept in ${data}.`);
  return {
    transport,
    seed: options.seed,
    kills: options.kills,
    startKills: options.starts,
    ...tally,
    seconds: Math.round((performance.now() - began) / 1000),
  };
}

/** Whether nothing was lost, repeated, turned round or started twice. */
export function isClean({ lost, repeated, outOfOrder, doubleRuns }: TransportTally): boolean {
  return lost + repeated + outOfOrder + doubleRuns === 0;
}

async function checkPlace(name: TransportChaosOptions["transport"]): Promise<void> {
  const place = transportPlace(name);
  await place.check();
  await place.close();
}

/** Lets an orchestrator do all that is left. */
async function finish(orchestrator: ReturnType<typeof victim>): Promise<void> {
  await orchestrator.finished;
  await orchestrator.ended();
}
