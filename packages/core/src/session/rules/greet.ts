import type { ContinuationQueued } from "../../events/message-events.ts";
import type { AgentReady, ContextRestored, WordRejected } from "../../events/run-events.ts";
import type { AgentWord, Mark } from "../../ports/agent-word.ts";
import { continuationText } from "../continuation.ts";
import type { Decision } from "../decision.ts";
import type { OpenMessage, Run } from "../state.ts";

/**
 * The agent's first word. Messages that earlier runs took are sorted out here: one that the
 * transcript does not hold is handed over again; those that it holds are replaced by one
 * continuation, since the model would do the same work twice if it read them again.
 */
export function greet(
  decision: Decision,
  run: Run,
  word: Extract<AgentWord, { readonly type: "hello" }>,
  mark: Mark,
): void {
  const { runId, conversation } = run.trace;
  if (run.greeted) {
    const reason = "The agent said hello twice.";
    decision.emit<WordRejected>("WordRejected", { runId, code: "SECOND_HELLO", reason, mark });
    return;
  }
  const held = heldMessages(decision, word.holds);
  decision.emit<AgentReady>("AgentReady", {
    runId,
    agent: word.agent,
    transcriptHas: held.map(({ id }) => id),
    mark,
  });
  if (conversation.resume || conversation.fork !== undefined) {
    const from = word.context === "resumed" ? "native" : "none";
    decision.emit<ContextRestored>("ContextRestored", { runId, from });
  }
  if (held.length > 0) queueContinuation(decision, runId, held);
}

function heldMessages(decision: Decision, holds: readonly string[]): readonly OpenMessage[] {
  const said = new Set(holds);
  return [...decision.state.messages.values()].filter(
    ({ id, at }) => at.type === "carried" && said.has(id),
  );
}

function queueContinuation(decision: Decision, runId: string, held: readonly OpenMessage[]): void {
  // A held continuation of an earlier run stands for the messages that it replaced.
  const replaces = held.flatMap(({ id, replaces: originals }) =>
    originals.length > 0 ? originals : [id],
  );
  decision.emit<ContinuationQueued>("ContinuationQueued", {
    messageId: `continuation-${runId}`,
    position: Math.min(...held.map(({ position }) => position)),
    text: continuationText([...decision.state.notes.values()]),
    replaces,
  });
}
