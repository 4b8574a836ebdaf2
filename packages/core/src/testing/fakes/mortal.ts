import { WaybillError } from "../../errors.ts";
import type { Weather } from "./weather.ts";

/** The life of a process: every call that it makes passes through here, twice. */
export interface Life {
  /** False from the moment of its death. */
  readonly alive: boolean;
  /** A point in its life, at which it may die. Tells whether it lives on. */
  pass(point: string): boolean;
  /** Where it is frozen: resolves when it wakes. */
  readonly asleep: Promise<void> | null;
  /** What a call meets on its way. */
  weather(point: string): Weather | null;
  /** Resolves after this time, whoever is dead or frozen. */
  pause(ms: number): Promise<void>;
}

/**
 * The same part, used by a process that can die before and after any call. From then on every call
 * waits for ever, as a process that was killed never hears an answer; what it had asked for before
 * its death happened, and nobody knows. While it is frozen, its calls and their answers wait.
 */
export function mortal<Part extends object>(part: Part, name: string, life: Life): Part {
  return new Proxy(part, {
    get(target, property, receiver) {
      const value: unknown = Reflect.get(target, property, receiver);
      if (typeof value !== "function") return value;
      const point = `${name}.${String(property)}`;
      return (...values: unknown[]): unknown => {
        const call = (): unknown => Reflect.apply(value, target, values);
        if (immediate.has(point)) return call();
        if (iterations.has(point)) return mortalIteration(call, point, life);
        if (!life.alive || !life.pass(`before ${point}`)) return never();
        return mortalCall(call, point, life);
      };
    },
  });
}

/** What gives no promise: nothing can come in between. */
const immediate = new Set(["mailbox.locate"]);

const iterations = new Set([
  "store.read",
  "store.readAll",
  "store.subscribe",
  "mailbox.receive",
  "transport.watch",
  "gateway.readings",
  "tracker.subscribe",
]);

async function mortalCall(call: () => unknown, point: string, life: Life): Promise<unknown> {
  const weather = life.weather(point);
  try {
    const answer = await (weather === null && life.asleep === null
      ? call()
      : onItsWay(call, point, weather ?? {}, life));
    await awake(life);
    return life.alive && life.pass(`after ${point}`) ? answer : await never();
  } catch (error) {
    await awake(life);
    if (life.alive) throw error;
    return never();
  }
}

async function onItsWay(
  call: () => unknown,
  point: string,
  { thereMs = 0, backMs = 0, fails, twice = false }: Weather,
  life: Life,
): Promise<unknown> {
  if (thereMs > 0 && fails !== "late") await life.pause(thereMs);
  await awake(life); // it was about to be made when the process was frozen
  if (!life.alive) return never();
  if (fails === "before") throw fault(point, "transient");
  if (fails === "late") {
    void life.pause(thereMs).then(call).catch(unheard);
    throw fault(point, "unknown");
  }
  if (twice) await Promise.resolve(call()).catch(unheard);
  const answer = await call();
  if (backMs > 0) await life.pause(backMs);
  if (fails === "after") throw fault(point, "unknown");
  return answer;
}

async function* mortalIteration(open: () => unknown, point: string, life: Life): AsyncGenerator {
  if (!life.alive) await never();
  for await (const item of open() as AsyncIterable<unknown>) {
    const { thereMs = 0, fails, twice = false } = life.weather(point) ?? {};
    if (thereMs > 0) await life.pause(thereMs);
    await awake(life);
    if (!life.alive || !life.pass(`before item of ${point}`)) await never();
    if (fails === "before" || fails === "late") throw fault(point, "transient");
    if (twice) yield item;
    yield item;
    await awake(life);
    if (!life.alive || !life.pass(`after item of ${point}`)) await never();
    if (fails === "after") throw fault(point, "transient");
  }
  await awake(life);
  if (!life.alive) await never();
}

async function awake(life: Life): Promise<void> {
  while (life.asleep !== null) await life.asleep;
}

function fault(point: string, kind: "transient" | "unknown"): WaybillError {
  return new WaybillError("FAKE_FAULT", `${point} failed, as its weather said.`, { class: kind });
}

/** Who was told long ago that it failed does not hear how it ended. */
function unheard(): void {}

function never(): Promise<never> {
  return new Promise(() => {});
}
