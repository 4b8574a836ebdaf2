import type { ModelMessage, ModelRequest } from "./model-request.ts";
import { textsOf } from "./model-request.ts";
import { playedParts } from "./played-part.ts";
import type { PlayedPart } from "./played-part.ts";
import { scriptsIn } from "./script.ts";
import type { Reply } from "./script.ts";

/** Where a conversation is in the scripts that ride in it. */
export interface ScriptPosition {
  /** The replies that are to be given now, in one breath; none where the scripts are at their end. */
  readonly due: readonly Reply[];
  /** How many replies the conversation has had. */
  readonly played: number;
  /** Whether any message carried a script. */
  readonly scripted: boolean;
  /** What is wrong with the newest script. */
  readonly error?: string;
}

/** Stands in the conversation where a turn was interrupted; what was left of its script is void. */
const INTERRUPTED = "[Request interrupted by user";

/**
 * Finds the place in the script, from the conversation alone. Every script that a message carries
 * queues up its replies; every answer in the conversation that equals the reply that was due takes
 * it away. So retries, a resume in another process and many sessions at once need no memory, and a
 * follow-up that joins in mid-turn has its replies after the running ones. Answers that no script
 * asked for (an echo, what the agent's own program puts in) take nothing away, and neither does an
 * answer that was cut short: it is given again. Messages of every role but the model's are read: a
 * follow-up in mid-turn comes as a system message.
 */
export function scriptPosition(request: ModelRequest): ScriptPosition {
  const queue: Reply[] = [];
  let played = 0;
  let scripted = false;
  let error: string | undefined;
  for (const [index, message] of request.messages.entries()) {
    if (message.role === "assistant") {
      const due = dueReplies(queue);
      if (due.length > 0 && isAnswer(message, playedParts(due, request, index))) {
        queue.splice(0, due.length);
        played += due.length;
      }
      continue;
    }
    for (const text of textsOf(message)) {
      if (text.trimStart().startsWith(INTERRUPTED)) queue.length = 0;
      for (const script of scriptsIn(text)) {
        if (script.instead) queue.length = 0;
        queue.push(...script.replies);
        scripted = true;
        error = script.error;
      }
    }
  }
  return { due: dueReplies(queue), played, scripted, ...(error === undefined ? {} : { error }) };
}

/**
 * The reply at the head of the queue. One that only speaks would end the turn, so where a follow-up
 * has joined by then, the follow-up's first reply is given in the same breath.
 */
function dueReplies(queue: readonly Reply[]): readonly Reply[] {
  const last = queue.findIndex((reply) => reply.parts.some((part) => part.type === "tool"));
  return last === -1 ? [...queue] : queue.slice(0, last + 1);
}

/** Whether the answer in the conversation is the whole of what was due. */
function isAnswer(message: ModelMessage, parts: readonly PlayedPart[]): boolean {
  const said = parts.flatMap((part) => (part.type === "say" ? [part.text.trim()] : []));
  const called = parts.flatMap((part) => (part.type === "tool" ? [part.name] : []));
  const hasSaid = textsOf(message).map((text) => text.trim());
  const hasCalled = message.content.flatMap((part) =>
    part.type === "tool_use" ? [part.name] : [],
  );
  return same(said, hasSaid) && same(called, hasCalled);
}

function same(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && left.every((item, index) => item === right[index]);
}
