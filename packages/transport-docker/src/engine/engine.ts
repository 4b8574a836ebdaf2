import type { CommandResult, EngineCommand, Following } from "./command.ts";
import { parseContainers } from "./container.ts";
import type { Container } from "./container.ts";
import { parseEvent } from "./event.ts";
import type { EngineEvent } from "./event.ts";
import { engineAway, engineRefused } from "./failure.ts";
import { parseImage } from "./image.ts";
import type { Image } from "./image.ts";
import { parseInfo } from "./info.ts";
import type { EngineInfo } from "./info.ts";

/**
 * A container engine. Questions throw `ENGINE_MISSING`, `ENGINE_FORBIDDEN` or `ENGINE_UNAVAILABLE`
 * where the engine does not answer. The results of changes prove nothing: ask afterwards.
 */
export interface Engine {
  readonly program: string;
  info(signal?: AbortSignal): Promise<EngineInfo>;
  /** Null where the engine has no such image. */
  image(name: string, signal?: AbortSignal): Promise<Image | null>;
  /** Fetches an image from its registry. */
  pull(name: string, signal?: AbortSignal): Promise<CommandResult>;
  /** By name or id. Only what the engine positively does not have is left out. */
  containers(names: readonly string[], signal?: AbortSignal): Promise<readonly Container[]>;
  /** Every container, dead or alive, with this label and value. */
  labelled(label: string, value: string): Promise<readonly Container[]>;
  run(args: readonly string[], signal?: AbortSignal): Promise<CommandResult>;
  start(id: string): Promise<CommandResult>;
  /** TERM, then KILL after this many seconds. */
  stop(id: string, seconds: number): Promise<CommandResult>;
  kill(id: string): Promise<CommandResult>;
  unpause(id: string): Promise<CommandResult>;
  /** Refused by the engine while the container runs. */
  remove(id: string): Promise<CommandResult>;
  /** What happens to containers and images, from `sinceMs` (epoch) on. */
  events(sinceMs: number, onEvent: (event: EngineEvent) => void): Following;
}

/** The engine behind a docker-like command line. */
export function engineOf(command: EngineCommand): Engine {
  const { program } = command;

  /** Asks, and throws where the engine did not answer. */
  const ask = async (args: readonly string[], signal?: AbortSignal): Promise<CommandResult> => {
    const result = await command.call(args, { timeoutMs: 30_000, signal });
    const away = result.ok ? null : engineAway(program, result);
    if (away !== null) throw away;
    return result;
  };

  /** As `ask`, and throws where the engine refused. */
  const read = async (
    what: string,
    args: readonly string[],
    signal?: AbortSignal,
  ): Promise<string> => {
    const result = await ask(args, signal);
    if (!result.ok) throw engineRefused(what, result);
    return result.stdout;
  };

  const containers: Engine["containers"] = async (names, signal) => {
    if (names.length === 0) return [];
    const result = await ask(["container", "inspect", ...names], signal);
    const found = parseContainers(result.stdout);
    if (result.ok) return found;
    // Some are missing, says an error text: a listing that succeeds is better evidence than a text.
    const listing = ["ps", "--all", "--no-trunc", "--format", "{{.ID}} {{.Names}}"];
    const known = new Set((await read("list the containers", listing, signal)).split(/\s+/u));
    const seen = new Set(found.flatMap((one) => [one.id, one.name]));
    const missed = names.filter((name) => known.has(name) && !seen.has(name));
    if (missed.length === 0) return found;
    const again = await ask(["container", "inspect", ...missed], signal);
    return [...found, ...parseContainers(again.stdout)];
  };

  // Whatever these say, a look at the container decides: so their failure is no error here.
  const change = (args: readonly string[], timeoutMs = 120_000, signal?: AbortSignal) =>
    command.call(args, { timeoutMs, signal });

  return {
    program,
    containers,
    info: async (signal) =>
      parseInfo(await read("describe itself", ["info", "--format", "{{json .}}"], signal)),
    image: async (name, signal) => {
      const result = await ask(["image", "inspect", name], signal);
      if (result.ok) return parseImage(result.stdout);
      if (noSuchImage.test(result.stderr)) return null;
      throw engineRefused(`inspect the image ${name}`, result);
    },
    // The size of an image says nothing of its way here: a slow one is not a silent engine.
    pull: (name, signal) => change(["pull", "--quiet", name], 1_800_000, signal),
    labelled: async (label, value) => {
      const filter = ["--filter", `label=${label}=${value}`];
      const listing = ["ps", "--all", "--quiet", "--no-trunc", ...filter];
      const ids = await read("list the containers", listing);
      return containers(ids.split("\n").filter((id) => id !== ""));
    },
    run: (args, signal) => change(["run", ...args], 120_000, signal),
    start: (id) => change(["start", id]),
    stop: (id, seconds) => change(["stop", "-t", String(seconds), id], seconds * 1_000 + 60_000),
    kill: (id) => change(["kill", id]),
    unpause: (id) => change(["unpause", id]),
    remove: (id) => change(["rm", "--volumes", id]),
    events: (sinceMs, onEvent) => {
      const since = ["--since", (sinceMs / 1_000).toFixed(3)];
      // Not by label: podman 4 matches no label without its value.
      const filters = [...types, ...actions].flatMap((filter) => ["--filter", filter]);
      return command.follow(["events", ...since, ...filters, "--format", "{{json .}}"], (line) => {
        const event = parseEvent(line);
        if (event !== null) onEvent(event);
      });
    },
  };
}

const types = ["type=container", "type=image"];

// Both engines' words; each passes over the other's.
const actions = [
  "start",
  "die",
  "died",
  "destroy",
  "remove",
  "tag",
  "untag",
  "delete",
  "pull",
  "load",
  "loadfromarchive",
  "import",
  "build",
].map((action) => `event=${action}`);

const noSuchImage = /no such image|no such object|image not known/iu;
