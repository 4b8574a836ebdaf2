import type { Limits, Policy } from "@waybill/core";
import {
  chat,
  exit,
  fail,
  flood,
  hang,
  leave,
  mute,
  operation,
  reply,
  stillborn,
  work,
  type Step,
} from "@waybill/core/testing";
import { dice, type Dice } from "./dice.ts";

/** What a seed comes to before anything happens. */
export interface Plot {
  readonly seed: number;
  /** Whether the Tracker does a repeated write once. Without, nobody is frozen: see `Weather`. */
  readonly keys: boolean;
  /** How many runs may live at once, in every orchestrator. */
  readonly limits: Limits;
  /** How often calls meet with bad weather, from 0 to 1. */
  readonly storm: number;
  /** How many times something happens to orchestrator, agents and time. */
  readonly acts: number;
  readonly parts: readonly Part[];
}

/** One session's part. */
export interface Part {
  readonly session: string;
  /** Often its own; where several sessions have one, its script is theirs one after the other. */
  readonly agent: string;
  /** Who has to wait longer. */
  readonly priority: number;
  /** The chats and tasks that it may touch. */
  readonly scope: readonly string[];
  readonly script: readonly Step[];
  readonly messages: readonly { readonly key: string; readonly text: string }[];
  /** How it ends: after everything is answered, at once, or twice. */
  readonly ending: "close" | "stop" | "reopen";
  readonly policy: Partial<Policy>;
}

/** The chat and the task that every session may touch, beside its own. */
export const shared = { chat: "all", task: "all" } as const;

/** Makes a plot of a seed. */
export function plotOf(seed: number): Plot {
  const roll = dice(seed, "plot");
  const plot = {
    seed,
    keys: roll.chance(0.7),
    limits: { runs: roll.pick([1, 2, 5]) },
    storm: roll.pick([0, 0.02, 0.05, 0.15]),
    acts: roll.between(5, 40),
    parts: Array.from({ length: roll.between(1, 3) }, (_, index) => part(index + 1, roll)),
  };
  return crowded(plot, dice(seed, "crowd"));
}

/** What each agent does: the scripts of its sessions, one after the other. */
export function scriptsOf({ parts }: Plot): Readonly<Record<string, readonly Step[]>> {
  const byAgent = Map.groupBy(parts, ({ agent }) => agent);
  return Object.fromEntries(
    [...byAgent].map(([agent, own]) => [agent, own.flatMap(({ script }) => script)]),
  );
}

/** Sessions that share an agent and its limit, in half of the plots, and more sessions in some. */
function crowded(plot: Plot, roll: Dice): Plot {
  if (roll.chance(0.5)) return plot;
  const more = Array.from({ length: roll.pick([0, 1, 2, 4]) }, (_, index) =>
    part(plot.parts.length + index + 1, roll),
  );
  const parts: readonly Part[] = [...plot.parts, ...more].map((each) => ({
    ...each,
    agent: `a${roll.between(1, 2)}`,
    priority: roll.pick([0, 0, 1, 5]),
    // How a run begins is asked when one begins, and another's turn may be under way by then.
    script: each.script.filter(({ type }) => type !== "stillborn" && type !== "mute"),
  }));
  const { runs } = plot.limits;
  return {
    ...plot,
    limits: {
      ...(runs === undefined || roll.chance(0.2) ? {} : { runs }),
      runsPerAgent: roll.pick([{ a1: 1, a2: 2 }, { a1: 2 }, { a1: 1, a2: 1 }]),
      agingMs: roll.pick([1_000, 60_000, 3_600_000]),
    },
    parts: parts.map((each) => ({ ...each, scope: scopeOf(each, parts) })),
  };
}

/** What the script of its agent speaks of, whoever acts it out. */
function scopeOf({ agent }: Part, parts: readonly Part[]): readonly string[] {
  const own = parts.filter((each) => each.agent === agent);
  return [...own.map(({ session }) => session.slice(1)), shared.chat];
}

function part(number: number, roll: Dice): Part {
  const count = roll.between(1, 4);
  const messages = Array.from({ length: count }, (_, index) => ({
    key: `m${index + 1}`,
    text: `Do part ${index + 1}.`,
  }));
  return {
    session: `s${number}`,
    agent: `a${number}`,
    priority: 0,
    scope: [String(number), shared.chat],
    script: messages.flatMap((_, index) => turn(`${number}.${index + 1}`, number, roll)),
    messages,
    ending: roll.pick(["close", "close", "close", "reopen", "stop"]),
    policy: policy(roll),
  };
}

function policy(roll: Dice): Partial<Policy> {
  return {
    startMs: 30_000,
    stallMs: 60_000,
    turnMs: roll.pick([null, 600_000, 3_600_000]),
    idleMs: roll.pick([20_000, 300_000]),
    failures: roll.pick([2, 5]),
    operationMs: roll.pick([60_000, 86_400_000]),
    budgetUsd: roll.pick([null, null, 1]),
    approve: roll.pick([[], [], ["task.comment"], ["chat.send", "task.status"]]),
    approvalMs: roll.pick([120_000, 86_400_000]),
  };
}

/** What the agent does for one message, with what goes wrong on the way, up to its answer. */
function turn(name: string, number: number, roll: Dice): Step[] {
  const steps: Step[] = [];
  const count = roll.between(0, 6);
  for (let index = 1; index <= count; index += 1) {
    steps.push(...anyStep(`${name}.${index}`, number, roll));
  }
  return [
    ...steps,
    reply(`answer ${name}`, { costUsd: number * Number(name.split(".")[1]) * 0.3 }),
  ];
}

function anyStep(content: string, number: number, roll: Dice): Step[] {
  const own = roll.chance(0.6) ? String(number) : shared.chat;
  const fate = roll.between(1, 22);
  if (fate <= 7) return [operation(chat(own, content))];
  if (fate <= 9) return [operation({ type: "task.comment", task: own, content })];
  if (fate === 10) return [operation({ type: "task.status", task: own, status: content })];
  if (fate === 11) return [operation({ type: "chat.read", chat: own })];
  if (fate === 12) return [operation(chat("forbidden", content))];
  if (fate <= 14) return [work({ seconds: roll.between(1, 120) })];
  if (fate === 15) return [flood(roll.between(1, 20))];
  if (fate === 16) return [hang({ deaf: roll.chance(0.5) })];
  if (fate === 17) return [leave()];
  if (fate === 18) return [fail("MODEL_BUSY", { class: "transient" })];
  if (fate === 19) {
    const resetsIn = roll.chance(0.5) ? { resetsIn: { minutes: roll.between(1, 90) } } : {};
    return [fail("MODEL_RATE_LIMITED", { class: "rate", ...resetsIn })];
  }
  const births = roll.pick<readonly Step[]>([[], [], [stillborn(1)], [mute()]]);
  return [exit(roll.pick([1, 137])), ...births];
}
