import { execa } from "execa";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** A program of the demo that runs as its own process and speaks in JSON lines. */
export interface Actor {
  readonly process: ReturnType<typeof launch>;
  /** Its first line. */
  readonly opening: Readonly<Record<string, unknown>>;
}

/** Starts a TypeScript program of a workspace package and waits for its first line. */
export async function startActor(
  program: string,
  options: {
    readonly args?: readonly string[];
    readonly env?: Readonly<Record<string, string>>;
    readonly stdin?: string;
    readonly onLine?: (line: string) => void;
  } = {},
): Promise<Actor> {
  const subprocess = launch(program, options);
  if (options.stdin !== undefined) subprocess.stdin.write(options.stdin);
  const lines = createInterface({ input: subprocess.stdout });
  const opened = once(lines, "line");
  const ended = subprocess.then(({ exitCode }) => {
    throw new Error(`${program} ended with exit code ${exitCode ?? "none"} before it was ready.`);
  });
  const [line] = (await Promise.race([opened, ended])) as [string];
  ended.catch(() => {}); // its end is nobody's trouble from here on
  lines.on("line", (next: string) => options.onLine?.(next));
  return { process: subprocess, opening: JSON.parse(line) as Record<string, unknown> };
}

function launch(
  program: string,
  options: { readonly args?: readonly string[]; readonly env?: Readonly<Record<string, string>> },
) {
  return execa(
    process.execPath,
    ["--conditions=@waybill/source", program, ...(options.args ?? [])],
    {
      env: { ...options.env },
      stdin: "pipe",
      stderr: "inherit",
      buffer: false,
      reject: false,
    },
  );
}

/** The path of a workspace package's source file. */
export function sourceOf(path: string): string {
  return fileURLToPath(new URL(`../../packages/${path}`, import.meta.url));
}
