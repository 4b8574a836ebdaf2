import type { CallOptions, CommandResult, EngineCommand } from "./command.ts";
import { parseContainers } from "./container.ts";
import { eventFilter } from "./engine.ts";
import type { Engine } from "./engine.ts";
import { parseEvent } from "./event.ts";
import { engineAway, engineRefused } from "./failure.ts";
import { parseImage } from "./image.ts";
import { parseInfo } from "./info.ts";
import { runArguments } from "./run-arguments.ts";

/** The engine behind a docker-like command line. */
export function commandEngine(command: EngineCommand): Engine {
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
  const change = (args: readonly string[], options: Partial<CallOptions> = {}) =>
    command.call(args, { timeoutMs: 120_000, ...options });

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
    pull: (name, signal) => change(["pull", "--quiet", name], { timeoutMs: 1_800_000, signal }),
    labelled: async (label, value) => {
      const filter = ["--filter", `label=${label}=${value}`];
      const listing = ["ps", "--all", "--quiet", "--no-trunc", ...filter];
      const ids = await read("list the containers", listing);
      return containers(ids.split("\n").filter((id) => id !== ""));
    },
    run: async (request, signal) => {
      const { args, input } = runArguments(request);
      return await change(["run", ...args], { input, signal });
    },
    start: (id) => change(["start", id]),
    stop: (id, seconds) =>
      change(["stop", "-t", String(seconds), id], { timeoutMs: seconds * 1_000 + 60_000 }),
    kill: (id) => change(["kill", id]),
    unpause: (id) => change(["unpause", id]),
    remove: (id) => change(["rm", "--volumes", id]),
    events: (sinceMs, onEvent) => {
      const since = ["--since", (sinceMs / 1_000).toFixed(3)];
      // Not by label: podman 4 matches no label without its value.
      const filters = [
        ...eventFilter.type.map((type) => `--filter=type=${type}`),
        ...eventFilter.event.map((action) => `--filter=event=${action}`),
      ];
      return command.follow(["events", ...since, ...filters, "--format", "{{json .}}"], (line) => {
        const event = parseEvent(line);
        if (event !== null) onEvent(event);
      });
    },
  };
}

const noSuchImage = /no such image|no such object|image not known/iu;
