import { createdId, listedIds, refusalWords } from "./answers.ts";
import type { CommandResult } from "./command.ts";
import { parseContainers } from "./container.ts";
import type { Container } from "./container.ts";
import { createBody } from "./create-body.ts";
import { eventFilter } from "./engine.ts";
import type { Engine } from "./engine.ts";
import type { AskOptions, EngineAnswer, EngineSocket } from "./engine-socket.ts";
import { parseEvent } from "./event.ts";
import { engineAway, engineRefused, socketFailure } from "./failure.ts";
import { parseImage } from "./image.ts";
import { parseInfo } from "./info.ts";

/** The engine behind a unix socket; `command` does what only the command line can: credentials for a pull. */
export function socketEngine(socket: EngineSocket, command: Engine): Engine {
  const { program } = command;

  /** Asks, and throws where the engine did not answer. */
  const ask = async (path: string, signal?: AbortSignal): Promise<EngineAnswer> => {
    try {
      return await socket.ask("GET", path, { timeoutMs: 30_000, signal });
    } catch (error) {
      const result = resultOf(error, signal);
      throw engineAway(program, result) ?? engineRefused("answer", result);
    }
  };

  /** As `ask`, and throws where the engine refused. */
  const read = async (what: string, path: string, signal?: AbortSignal): Promise<string> => {
    const answer = await ask(path, signal);
    if (answer.status !== 200) throw engineRefused(what, refusalOf(answer));
    return answer.body;
  };

  // Whatever these say, a look at the container decides: so their failure is no error here.
  const change = async (
    method: string,
    path: string,
    options: Partial<AskOptions> = {},
  ): Promise<CommandResult> => {
    try {
      const answer = await socket.ask(method, path, { timeoutMs: 120_000, ...options });
      return answer.status < 300
        ? { ...nothing, ok: true, stdout: answer.body }
        : refusalOf(answer);
    } catch (error) {
      return resultOf(error, options.signal);
    }
  };

  const container = async (name: string, signal?: AbortSignal): Promise<readonly Container[]> => {
    const answer = await ask(`/containers/${encodeURIComponent(name)}/json`, signal);
    if (answer.status === 200) return parseContainers(`[${answer.body}]`);
    if (answer.status === 404) return [];
    throw engineRefused(`inspect the container ${name}`, refusalOf(answer));
  };

  return {
    program,
    pull: command.pull,
    info: async (signal) => parseInfo(await read("describe itself", "/info", signal)),
    image: async (name, signal) => {
      const answer = await ask(
        `/images/${name.split("/").map(encodeURIComponent).join("/")}/json`,
        signal,
      );
      if (answer.status === 200) return parseImage(`[${answer.body}]`);
      if (answer.status === 404) return null;
      throw engineRefused(`inspect the image ${name}`, refusalOf(answer));
    },
    containers: async (names, signal) =>
      (await Promise.all(names.map((name) => container(name, signal)))).flat(),
    labelled: async (label, value) => {
      const filters = query({ label: [`${label}=${value}`] });
      const listing = await read(
        "list the containers",
        `/containers/json?all=1&filters=${filters}`,
      );
      return (await Promise.all(listedIds(listing).map((id) => container(id)))).flat();
    },
    run: async (request, signal) => {
      const body = createBody(request);
      const created = await change("POST", `/containers/create?name=${request.name}`, {
        body,
        signal,
      });
      if (!created.ok) return created;
      const id = createdId(created.stdout);
      const started = await change("POST", `/containers/${id}/start`, { signal });
      return started.ok ? { ...started, stdout: id } : started;
    },
    start: (id) => change("POST", `/containers/${id}/start`),
    stop: (id, seconds) =>
      change("POST", `/containers/${id}/stop?t=${seconds}`, {
        timeoutMs: seconds * 1_000 + 60_000,
      }),
    kill: (id) => change("POST", `/containers/${id}/kill`),
    unpause: (id) => change("POST", `/containers/${id}/unpause`),
    remove: (id) => change("DELETE", `/containers/${id}?v=1`),
    events: (sinceMs, onEvent) => {
      const path = `/events?since=${(sinceMs / 1_000).toFixed(3)}&filters=${query(eventFilter)}`;
      return socket.follow(path, (line) => {
        const event = parseEvent(line);
        if (event !== null) onEvent(event);
      });
    },
  };
}

const nothing: CommandResult = { ok: false, stdout: "", stderr: "", timedOut: false };

/** An answer that says no, with the engine's words. */
function refusalOf({ status, body }: EngineAnswer): CommandResult {
  return { ...nothing, stderr: `${refusalWords(body)} (status ${status})` };
}

/** What the silence of a socket comes to; throws the reason of a signal that ended it. */
function resultOf(error: unknown, signal?: AbortSignal): CommandResult {
  signal?.throwIfAborted();
  return { ...nothing, ...socketFailure(error) };
}

function query(filters: Readonly<Record<string, readonly string[]>>): string {
  return encodeURIComponent(JSON.stringify(filters));
}
