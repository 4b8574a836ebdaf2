import { pathToFileURL } from "node:url";

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Where the host's gateway leads to a package registry or a git host, opens the forwarder that it put
 * beside the run's socket, and gives the environment in which the tools of the run find their way.
 * Without it the agent works all the same: only those hosts are out of reach.
 */
export async function withUpstreams(
  env: Environment,
  log: (message: string) => void,
): Promise<Environment> {
  const forwarder = env["GATEWAY_FORWARDER"];
  if (forwarder === undefined) return env;
  try {
    const program: unknown = await import(pathToFileURL(forwarder).href);
    if (!isForwarder(program)) throw new TypeError(`${forwarder} is no forwarder.`);
    return await program.openForwarder(env);
  } catch (error) {
    log(`The host's upstreams cannot be reached: ${String(error)}`);
    return env;
  }
}

function isForwarder(
  program: unknown,
): program is { openForwarder: (env: Environment) => Promise<Environment> } {
  return (
    typeof program === "object" &&
    program !== null &&
    "openForwarder" in program &&
    typeof program.openForwarder === "function"
  );
}
