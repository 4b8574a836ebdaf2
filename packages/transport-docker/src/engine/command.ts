import { execa } from "execa";
import { engineMissing } from "./failure.ts";

/** How one call of the engine's command line ended. A non-zero exit is data, not an exception. */
export interface CommandResult {
  /** Whether it exited with 0. */
  readonly ok: boolean;
  readonly stdout: string;
  readonly stderr: string;
  /** True where it was killed because its time was over. */
  readonly timedOut: boolean;
}

/** A command that goes on until it is stopped or its engine goes away. */
export interface Following {
  /** Resolves once it has ended, for whatever reason. Never rejects. */
  readonly ended: Promise<void>;
  stop(): void;
}

/** The engine's command line: the one place that knows that it is a program. */
export interface EngineCommand {
  readonly program: string;
  /** Throws `ENGINE_MISSING` where there is no such program, and the signal's reason once it aborts. */
  call(args: readonly string[], options: CallOptions): Promise<CommandResult>;
  follow(args: readonly string[], onLine: (line: string) => void): Following;
}

/** How long a call may take, in milliseconds, and what ends it early. */
export interface CallOptions {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  /** What the command reads. Default: nothing. */
  readonly input?: string;
}

/** The command line of this program; `host` overrides the engine that the environment names. */
export function engineCommand(program: string, host?: string): EngineCommand {
  const env = host === undefined ? {} : { DOCKER_HOST: host, CONTAINER_HOST: host };
  return {
    program,
    call: (args, options) => call(program, args, env, options),
    follow: (args, onLine) => follow(program, args, env, onLine),
  };
}

async function call(
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  { timeoutMs, signal, input }: CallOptions,
): Promise<CommandResult> {
  signal?.throwIfAborted();
  const [file, ...words] =
    input === undefined ? [program, ...args] : ["sh", "-c", rereadable, "sh", program, ...args];
  const result = await execa(file, words, {
    env,
    reject: false,
    ...(input === undefined ? { stdin: "ignore" } : { input }),
    timeout: timeoutMs,
    maxBuffer: 256 * 1024 * 1024,
    // A process group of its own: Ctrl+C at a terminal must not reach a stop or a start in flight.
    detached: true,
    ...(signal === undefined ? {} : { cancelSignal: signal }),
  });
  if (result.isCanceled) signal?.throwIfAborted();
  if (result.exitCode === undefined && (result.code === "ENOENT" || result.code === "EACCES")) {
    throw engineMissing(program, result.cause);
  }
  return {
    ok: result.exitCode === 0,
    stdout: result.stdout,
    stderr: result.stderr,
    timedOut: result.timedOut,
  };
}

// What Node gives a child to read is a socket, which `--env-file=/dev/stdin` cannot open once more; a
// here-document can be. The shell is gone by the time the program runs.
const rereadable = 'text=$(cat); exec "$@" <<END\n$text\nEND\n';

// The shell waits for its standard input to end, which it does also when this process is killed:
// a follower of a quiet engine would notice that only at its next line, perhaps never.
const untilInputEnds = '"$@" & child=$!; exec >&-; read -r _; kill "$child" 2>/dev/null; wait';

function follow(
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  onLine: (line: string) => void,
): Following {
  const child = execa("sh", ["-c", untilInputEnds, "sh", program, ...args], {
    env,
    reject: false,
    buffer: false,
    stdin: "pipe",
    stdout: "pipe",
    stderr: "ignore",
    detached: true,
  });
  const stop = (): void => {
    child.stdin.end();
  };
  // A pipe to a process that is gone: its end is seen on standard output, too.
  child.stdin.on("error", () => undefined);
  // The command has ended by itself, and the shell still waits for us.
  child.stdout.once("end", stop);
  const ended = (async () => {
    try {
      for await (const line of child.iterable()) onLine(line);
    } catch {
      // However it ended, it is over: whoever follows looks again and reconnects.
    } finally {
      stop();
    }
  })();
  return { ended, stop };
}
