import { resultsOf, textsOf } from "./model-request.ts";
import type { ModelRequest } from "./model-request.ts";
import { playedParts } from "./played-part.ts";
import type { PlayedPart } from "./played-part.ts";
import { withoutScripts } from "./script.ts";
import type { Fault } from "./script-line.ts";
import { scriptPosition } from "./script-position.ts";

/** What the model does with a request. */
export interface NextReply {
  /** What goes wrong first, in place of the answer. */
  readonly before: readonly Fault[];
  readonly parts: readonly PlayedPart[];
  /** Why it says this: the script's next reply, or one of the plain answers. */
  readonly from: "script" | "echo" | "script_error" | "script_ran_out";
  /** How many replies of scripts the conversation has had before this one. */
  readonly played: number;
}

/** Decides what to answer: the script's next reply, or a plain answer that says why there is none. */
export function nextReply(request: ModelRequest): NextReply {
  const { due, played, scripted, error } = scriptPosition(request);
  if (error !== undefined) {
    return plain("script_error", `The script has a mistake, ${error}`, played);
  }
  const parts = playedParts(due, request, request.messages.length);
  const missing = parts.find((part) => part.type === "tool" && !request.tools.includes(part.name));
  if (missing?.type === "tool") {
    const why = `The script calls the tool "${missing.name}", which is not offered`;
    return plain("script_error", `${why}; these are: ${request.tools.join(", ")}.`, played);
  }
  if (parts.some((part) => part.type === "say" || part.type === "think" || part.type === "tool")) {
    return { before: due.flatMap((reply) => reply.before), parts, from: "script", played };
  }
  const hasRunOut = scripted && (due.length > 0 || answersTools(request));
  const ranOut = plain("script_ran_out", `The script ran out after ${played} replies.`, played);
  if (hasRunOut) return { ...ranOut, before: due.flatMap((reply) => reply.before) };
  return plain("echo", echo(request), played);
}

/** Whether the request brings what tools gave, so that the turn is still going on. */
function answersTools(request: ModelRequest): boolean {
  const last = request.messages.findLast((message) => message.role === "user");
  return last !== undefined && resultsOf(last).length > 0;
}

function echo(request: ModelRequest): string {
  const last = request.messages.findLast((message) => message.role === "user");
  const said = last === undefined ? "" : textsOf(last).map(asWritten).join("\n").trim();
  return (
    `I am a stand-in that plays scripts, and your message has none (a fenced block that begins with "script"). ` +
    `You said: ${said.length > 400 ? `${said.slice(0, 400)} …` : said}`
  );
}

/** The text without scripts and without what the agent's own program adds to messages. */
function asWritten(text: string): string {
  return withoutScripts(text.replaceAll(/<system-reminder>[\s\S]*?<\/system-reminder>/g, ""));
}

function plain(from: NextReply["from"], text: string, played: number): NextReply {
  return { before: [], parts: [{ type: "say", text: `scripted model: ${text}` }], from, played };
}
