/**
 * The few programs that `transportContract` runs. A real transport runs `contractShell(program)`
 * with a POSIX shell; a fake one acts it out from the union.
 *
 * Each writes `ready` and a newline to standard output once it has set itself up: how often `ready`
 * stands there is how often the run was started.
 */
export type ContractProgram =
  /** Writes `ready` and exits with this code. */
  | { readonly do: "exit"; readonly code: number }
  /** Writes `ready`, waits, and exits 0 on TERM. */
  | { readonly do: "exit_on_term" }
  /** Writes `ready` and waits; TERM, INT and HUP mean nothing to it. */
  | { readonly do: "ignore_term" }
  /** Writes `ready` and kills itself with SIGKILL. */
  | { readonly do: "die" }
  /**
   * Exits 0 on TERM, but has a descendant in a session of its own, whose parent is gone, and which
   * ignores TERM and writes a dot to standard output five times a second for ever.
   */
  | { readonly do: "leave_descendant" }
  /**
   * Writes `ready`, then on standard output `stdin <the whole of standard input>`, `by path <the
   * letter, found through CONTRACT_LETTER>`, `by cwd <the letter, found as ./letter.txt>` and `env
   * NAME=value` for its whole environment; on standard error `a word of complaint`. Exits 0.
   */
  | { readonly do: "show" };

/** The program as text for `sh -c`. */
export function contractShell(program: ContractProgram): string {
  switch (program.do) {
    case "exit":
      return `echo ready; exit ${program.code}`;
    case "exit_on_term":
      return `${exitOnTerm}; echo ready; ${waitForEver}`;
    case "ignore_term":
      return "trap '' TERM INT HUP; echo ready; while :; do sleep 1; done";
    case "die":
      return "echo ready; kill -KILL $$";
    case "leave_descendant":
      return `${exitOnTerm}; ${descendant}; echo ready; ${waitForEver}`;
    case "show":
      return show;
  }
}

const exitOnTerm = "trap 'exit 0' TERM";
// A shell runs its trap only between commands, but `wait` is cut short by a signal.
const waitForEver = "while :; do sleep 30 & wait $!; done";
const tick = `sh -c 'trap "" TERM INT HUP; while :; do printf .; sleep 0.2; done'`;
// The subshell ends at once, so that the descendant is orphaned; setsid is missing on some systems.
const descendant = `if command -v setsid >/dev/null; then (setsid ${tick} &); else (${tick} &); fi`;
const show = [
  "echo ready",
  `printf 'stdin %s\\n' "$(cat)"`,
  `printf 'by path %s\\n' "$(cat "$CONTRACT_LETTER")"`,
  `printf 'by cwd %s\\n' "$(cat ./letter.txt)"`,
  "env | sed 's/^/env /'",
  "echo a word of complaint >&2",
].join("\n");
