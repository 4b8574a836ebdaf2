import type { Policy } from "@waybill/core";
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
  /** How many runs may live at once. */
  readonly runs: number;
  /** How often calls meet with bad weather, from 0 to 1. */
  readonly storm: number;
  /** How many times something happens to orchestrator, agents and time. */
  readonly acts: number;
  readonly parts: readonly Part[];
}

/** One session's part. Its agent is its own, so that what it does is known beforehand. */
export interface Part {
  readonly session: string;
  readonly agent: string;
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
  return {
    seed,
    keys: roll.chance(0.7),
    runs: roll.pick([1, 2, 5]),
    storm: roll.pick([0, 0.02, 0.05, 0.15]),
    acts: roll.between(5, 40),
    parts: Array.from({ length: roll.between(1, 3) }, (_, index) => part(index + 1, roll)),
  };
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
