import { engineCommand } from "./command.ts";
import type { EngineCommand, Following } from "./command.ts";
import { commandEngine } from "./command-engine.ts";
import type { Engine } from "./engine.ts";
import { engineSocket } from "./engine-socket.ts";
import { socketEngine } from "./socket-engine.ts";

/** Which engine, and by which program. */
export interface EngineChoice {
  /** Default: `docker`. */
  readonly engine?: string;
  /** The engine's address, as in DOCKER_HOST. */
  readonly host?: string;
}

/**
 * The engine of these options. Docker on a unix socket is spoken to directly, which saves each call
 * the 15 ms of a command line; every other engine and address has its command line.
 */
export function whichEngine({ engine: program = "docker", host }: EngineChoice): Engine {
  const command = engineCommand(program, host);
  const byCommand = commandEngine(command);
  if (program !== "docker") return byCommand;
  let chosen: Promise<Engine> | null = null;
  const choose = async (): Promise<Engine> => {
    const path = /^unix:\/\/(.+)$/u.exec(await addressOf(command, host))?.[1];
    return path === undefined ? byCommand : socketEngine(engineSocket(path), byCommand);
  };
  return lateEngine(program, () => {
    chosen ??= choose().catch((error: unknown) => {
      // A program that was missing may be there the next time.
      chosen = null;
      throw error;
    });
    return chosen;
  });
}

/** Where the command line would go. */
async function addressOf(command: EngineCommand, host: string | undefined): Promise<string> {
  const named = host ?? process.env["DOCKER_HOST"] ?? "";
  if (named !== "") return named;
  const context = ["context", "inspect", "--format", "{{.Endpoints.docker.Host}}"];
  return (await command.call(context, { timeoutMs: 30_000 })).stdout.trim();
}

/** An engine that is chosen at its first use, and again where that failed. */
function lateEngine(program: string, engine: () => Promise<Engine>): Engine {
  return {
    program,
    info: async (...given) => (await engine()).info(...given),
    image: async (...given) => (await engine()).image(...given),
    pull: async (...given) => (await engine()).pull(...given),
    containers: async (...given) => (await engine()).containers(...given),
    labelled: async (...given) => (await engine()).labelled(...given),
    run: async (...given) => (await engine()).run(...given),
    start: async (...given) => (await engine()).start(...given),
    stop: async (...given) => (await engine()).stop(...given),
    kill: async (...given) => (await engine()).kill(...given),
    unpause: async (...given) => (await engine()).unpause(...given),
    remove: async (...given) => (await engine()).remove(...given),
    events: (...given) => lateFollowing(async () => (await engine()).events(...given)),
  };
}

function lateFollowing(begin: () => Promise<Following>): Following {
  const stopped = Promise.withResolvers<void>();
  const follow = async (): Promise<void> => {
    const following = await begin();
    void stopped.promise.then(() => following.stop());
    await following.ended;
  };
  // Why it could not begin is for the next question to say.
  return { ended: follow().catch(() => undefined), stop: () => stopped.resolve() };
}
