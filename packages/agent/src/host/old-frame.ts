import type { TurnEnd } from "./agent-host.ts";

const START = "---AGENT_OUTPUT_START---";
const END = "---AGENT_OUTPUT_END---";

/**
 * A result as protocol 0 prints it: a line of JSON between two marker lines. A marker inside the
 * model's text is escaped within its JSON string, so that it stands nowhere else in the output, not
 * even for a host that looks for it anywhere in a line.
 */
export function oldFrame(word: TurnEnd, conversation: string): string {
  const failed = word.outcome === "failed" || word.outcome === "exhausted";
  const json = JSON.stringify({
    status: failed ? "error" : "success",
    result: word.text === "" ? null : word.text,
    newSessionId: conversation,
    ...(failed ? { error: word.error?.message ?? `The turn was ${word.outcome}.` } : {}),
  });
  return `${START}\n${json.replaceAll("---AGENT_OUTPUT", String.raw`\u002d--AGENT_OUTPUT`)}\n${END}\n`;
}
