import { setTimeout as pause } from "node:timers/promises";
import { isWaybillError } from "@waybill/core";
import type { Logger } from "@waybill/core";
import type { Container } from "../engine/container.ts";
import type { Engine } from "../engine/engine.ts";
import type { Sight } from "./container-watcher.ts";

/** Looks at containers, many in one call, and rides out an engine that does not answer. */
export interface ContainerLooker {
  /** @param died whether an event said that it ended, so that a look must come to show that. */
  look(names: readonly string[], died?: boolean): void;
  /** Nobody watches it any more: what was seen of it does not count for the next who does. */
  forget(name: string): void;
}

/** Whom a look is for. */
export interface LookerOptions {
  readonly wanted: (name: string) => boolean;
  readonly onSight: (name: string, sight: Sight) => void;
}

/** A container is missing only if two looks at least this far apart agree. */
const confirmMs = 1_000;
const settleMs = 20;
/** An event may come a moment before the state that it announces. */
const afterDeathMs = 50;
const backOffMs = { first: 250, most: 5_000 };

/** The looker of an engine: one look at a time, for all that were asked for meanwhile. */
export function containerLooker(
  engine: Engine,
  logger: Logger,
  { wanted, onSight }: LookerOptions,
): ContainerLooker {
  const asked = new Set<string>();
  const missing = new Map<string, number>();
  const dying = new Map<string, number>();
  let busy = false;
  let awayMs: number = backOffMs.first;

  const lookLater = (name: string, ms: number): void => {
    void pause(ms, undefined, { ref: false }).then(() => {
      if (wanted(name)) look([name]);
    });
  };

  const tellMissing = (name: string, engineId: string): void => {
    const since = missing.get(name) ?? performance.now();
    missing.set(name, since);
    if (performance.now() - since < confirmMs) {
      lookLater(name, confirmMs + settleMs);
      return;
    }
    missing.delete(name);
    onSight(name, { container: null, engineId });
  };

  const tellFound = (container: Container): void => {
    const { name, status } = container;
    missing.delete(name);
    onSight(name, { container });
    const looksLeft = dying.get(name) ?? 0;
    if (status !== "running" || looksLeft === 0) {
      dying.delete(name);
      return;
    }
    dying.set(name, looksLeft - 1);
    lookLater(name, afterDeathMs);
  };

  const tell = async (names: readonly string[]): Promise<void> => {
    const found = await engine.containers(names);
    const known = new Set(found.map((container) => container.name));
    const lost = names.filter((name) => !known.has(name));
    const engineId = lost.length === 0 ? "" : (await engine.info()).id;
    for (const container of found) tellFound(container);
    for (const name of lost) tellMissing(name, engineId);
  };

  const report = (error: unknown): void => {
    const code = isWaybillError(error) ? error.code : "UNEXPECTED";
    const reason = error instanceof Error ? error.message : String(error);
    const say = awayMs === backOffMs.first ? logger.warn : logger.debug;
    say("The engine says nothing of its containers; asking until it does.", { code, reason });
  };

  const work = async (): Promise<void> => {
    while (asked.size > 0) {
      const names = [...asked].filter(wanted);
      asked.clear();
      if (names.length === 0) return;
      try {
        await tell(names);
        if (awayMs !== backOffMs.first) logger.info("The engine answers again.");
        awayMs = backOffMs.first;
      } catch (error) {
        // Silence is no verdict: whatever went wrong, the question stays open until it is answered.
        report(error);
        for (const name of names) asked.add(name);
        await pause(awayMs, undefined, { ref: false });
        awayMs = Math.min(awayMs * 2, backOffMs.most);
      }
    }
  };

  const look = (names: readonly string[], died = false): void => {
    for (const name of names) {
      asked.add(name);
      if (died) dying.set(name, 10);
    }
    if (busy) return;
    busy = true;
    void work().finally(() => {
      busy = false;
      if (asked.size > 0) look([]);
    });
  };

  return {
    look,
    forget: (name) => {
      missing.delete(name);
      dying.delete(name);
    },
  };
}
