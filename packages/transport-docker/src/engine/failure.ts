import { WaybillError } from "@waybill/core";
import { errorCode } from "../records/error-code.ts";
import type { CommandResult } from "./command.ts";

/** There is no such program on this machine. */
export function engineMissing(program: string, cause: unknown): WaybillError {
  return new WaybillError(
    "ENGINE_MISSING",
    `The program "${program}" was not found. Install Docker (or Podman, with engine: "podman"), or give the program's path as engine.`,
    { details: { program }, cause },
  );
}

/**
 * What a failed call says of the engine itself: it does not answer, or not to this user; null where
 * it answered and the failure is about what was asked.
 */
export function engineAway(program: string, result: CommandResult): WaybillError | null {
  const said = excerpt(result.stderr);
  if (result.timedOut) {
    return new WaybillError(
      "ENGINE_UNAVAILABLE",
      `The engine behind "${program}" did not answer in time. See whether "${program} info" answers; restart the engine if it does not.`,
      { class: "transient", details: { program, said } },
    );
  }
  if (forbidden.test(result.stderr)) {
    return new WaybillError(
      "ENGINE_FORBIDDEN",
      `This user may not use the engine behind "${program}". Add the user to the engine's group, or use a rootless engine. It said: ${said}`,
      { details: { program, said } },
    );
  }
  if (unreachable.test(result.stderr)) {
    return new WaybillError(
      "ENGINE_UNAVAILABLE",
      `The engine behind "${program}" does not answer. Start it, or name a running one in DOCKER_HOST. It said: ${said}`,
      { class: "transient", details: { program, said } },
    );
  }
  return null;
}

/** What a socket's silence comes to, in the words that the command line has for it. */
export function socketFailure(error: unknown): { stderr: string; timedOut: boolean } {
  const reason = error instanceof Error ? error.message : String(error);
  switch (errorCode(error)) {
    case "ETIMEDOUT":
      return { stderr: reason, timedOut: true };
    case "EACCES":
    case "EPERM":
      return { stderr: `connect: permission denied (${reason})`, timedOut: false };
    case "ENOENT":
    case "ECONNREFUSED":
      return {
        stderr: `Cannot connect to the Docker daemon. Is the docker daemon running? (${reason})`,
        timedOut: false,
      };
    // It was there, and went away before its answer was complete.
    default:
      return { stderr: `error during connect: unexpected EOF (${reason})`, timedOut: false };
  }
}

/** The engine answered, and refused what was asked of it. */
export function engineRefused(what: string, result: CommandResult): WaybillError {
  const said = excerpt(result.stderr);
  return new WaybillError("ENGINE_REFUSED", `The engine refused to ${what}. It said: ${said}`, {
    class: "transient",
    details: { said },
  });
}

/** The last words of the command line, short enough for a message. */
export function excerpt(text: string): string {
  const words = text
    .split("\n")
    .filter((line) => line.trim() !== "" && !line.startsWith("See 'docker run --help'"))
    .join(" ")
    .trim();
  return words === "" ? "nothing" : words.slice(-600);
}

const forbidden = /permission denied while trying to connect|connect: permission denied/iu;

// Of docker 20 to 28 and podman 4, local and by TCP. The texts come from the command line, which is
// ours; a container cannot put words here.
const unreachable =
  /cannot connect to the docker daemon|is the docker daemon running|error during connect|failed to connect to the docker api|unable to connect to podman|connection refused|connection reset|broken pipe|unexpected EOF|: EOF\b|i\/o timeout|no route to host|no such host|TLS handshake timeout|server is shutting down|dial (?:unix|tcp)/iu;
