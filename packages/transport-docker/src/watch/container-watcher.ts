import type { Logger } from "@waybill/core";
import type { Following } from "../engine/command.ts";
import type { Container } from "../engine/container.ts";
import type { Engine } from "../engine/engine.ts";
import { containerLooker } from "./container-looker.ts";

/** What a look at a container found: it, or positive evidence that this engine has none. */
export type Sight =
  | { readonly container: Container }
  | { readonly container: null; readonly engineId: string };

/** Watches any number of containers through one follower of the engine's events. */
export interface ContainerWatcher {
  /** Tells of the container now, and whenever something happened to it. */
  watch(name: string, onSight: (sight: Sight) => void): () => void;
  /**
   * Since when (`performance.now()`) nothing that happened to an image can have escaped
   * `onImageEvent`; null where nobody follows the engine's events.
   */
  followingSince(): number | null;
  close(): void;
}

// Events are hints and a look decides; the follower alone would miss what happens while the engine
// or the follower is away. `slowLookMs` is for what neither an event nor a reconnect announced.
const slowLookMs = 15_000;
const reconnectMs = { first: 250, most: 5_000 };
/** The follower asks for events from this long ago, so that none falls between a look and its start. */
const overlapMs = 5_000;

/** The watcher of an engine. It has a follower only while somebody watches. */
export function containerWatcher(
  engine: Engine,
  logger: Logger,
  onImageEvent: () => void = () => undefined,
): ContainerWatcher {
  const listeners = new Map<string, Set<(sight: Sight) => void>>();
  const looker = containerLooker(engine, logger, {
    wanted: (name) => listeners.has(name),
    onSight: (name, sight) => {
      for (const listener of listeners.get(name) ?? []) listener(sight);
    },
  });
  let following: Following | null = null;
  let since = 0;
  let slowLook: NodeJS.Timeout | null = null;
  let reconnect: NodeJS.Timeout | null = null;

  const follow = (delayMs: number): void => {
    const began = Date.now();
    since = performance.now();
    const current = engine.events(began - overlapMs, (event) => {
      if (event.type === "image") onImageEvent();
      else if (listeners.has(event.name)) looker.look([event.name], event.died);
    });
    following = current;
    void current.ended.then(() => {
      if (following !== current) return;
      following = null;
      logger.debug("The engine's events ended; looking again and reconnecting.", { delayMs });
      looker.look([...listeners.keys()]);
      const lasted = Date.now() - began > reconnectMs.most;
      const next = lasted ? reconnectMs.first : Math.min(delayMs * 2, reconnectMs.most);
      reconnect = setTimeout(() => {
        follow(next);
        looker.look([...listeners.keys()]);
      }, delayMs);
    });
  };

  const begin = (): void => {
    follow(reconnectMs.first);
    slowLook = setInterval(() => looker.look([...listeners.keys()]), slowLookMs);
  };

  const end = (): void => {
    const current = following;
    following = null;
    current?.stop();
    if (slowLook !== null) clearInterval(slowLook);
    if (reconnect !== null) clearTimeout(reconnect);
    slowLook = null;
    reconnect = null;
  };

  return {
    watch: (name, onSight) => {
      if (listeners.size === 0) begin();
      const those = listeners.get(name) ?? new Set();
      those.add(onSight);
      listeners.set(name, those);
      looker.look([name]);
      return () => {
        if (!those.delete(onSight) || those.size > 0) return;
        listeners.delete(name);
        looker.forget(name);
        if (listeners.size === 0) end();
      };
    },
    followingSince: () => (following === null ? null : since),
    close: () => {
      listeners.clear();
      end();
    },
  };
}
