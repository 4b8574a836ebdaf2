import { resultsOf, textsOf } from "./model-request.ts";
import type { ModelMessage, ModelRequest } from "./model-request.ts";
import { withoutScripts } from "./script.ts";
import type { Reply } from "./script.ts";
import type { Part } from "./script-line.ts";

/** A part with nothing left to look up: texts are filled in, tools have their full name. */
export type PlayedPart = Exclude<Part, { type: "recall" }>;

/** The replies as they are given where the first `before` messages have gone before. */
export function playedParts(
  replies: readonly Reply[],
  request: ModelRequest,
  before: number,
): readonly PlayedPart[] {
  return replies
    .flatMap((reply) => reply.parts)
    .map((part) => {
      if (part.type === "recall") return recalled(part, request.messages.slice(0, before));
      if (part.type === "tool") return { ...part, name: fullName(part.name, request) };
      return part;
    });
}

function recalled(
  part: Extract<Part, { type: "recall" }>,
  earlier: readonly ModelMessage[],
): PlayedPart {
  const texts = earlier.flatMap((message) => [
    ...textsOf(message).map(withoutScripts),
    ...resultsOf(message),
  ]);
  const found = texts.map((text) => part.pattern.exec(text)).findLast((match) => match !== null);
  if (found === undefined || found === null) {
    return {
      type: "say",
      text: `I find nothing in this conversation that matches ${part.pattern}.`,
    };
  }
  return { type: "say", text: part.text.replaceAll(/\$(\d)/g, (_, n) => found[Number(n)] ?? "") };
}

/** `task_take` stands for `mcp__tracker__task_take` where only one such tool is offered. */
function fullName(name: string, request: ModelRequest): string {
  if (request.tools.includes(name)) return name;
  const longer = request.tools.filter((candidate) => candidate.endsWith(`__${name}`));
  return longer.length === 1 && longer[0] !== undefined ? longer[0] : name;
}
