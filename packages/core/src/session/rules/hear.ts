import type {
  MessageAccepted,
  MessageDelivered,
  TurnEnded,
  TurnStarted,
} from "../../events/message-events.ts";
import type { AgentLeft, MailboxGapSkipped, WordRejected } from "../../events/run-events.ts";
import type { AgentWord, Mark, TurnError } from "../../ports/agent-word.ts";
import type { MessageId } from "../../ids.ts";
import type { Heard } from "../command.ts";
import type { Decision } from "../decision.ts";
import type { OpenMessage, Run } from "../state.ts";
import { greet } from "./greet.ts";
import { withdraw } from "./approval-rules.ts";
import { requestOperation } from "./operation-rules.ts";
import { isBrokenOff } from "../setback.ts";
import { current, requestStop } from "./run-rules.ts";

type WordOf<Type extends AgentWord["type"]> = Extract<AgentWord, { readonly type: Type }>;

/** Records what the run said; what is recorded already is passed over. */
export function hear(decision: Decision, command: Heard): void {
  for (const { word, mark } of command.words) {
    const run = current(decision, command.runId);
    if (run === null) return;
    if (isNew(mark, run.mark)) hearWord(decision, run, word, mark);
  }
}

function isNew(mark: Mark, recorded: Mark): boolean {
  return mark.seq > recorded.seq || mark.offset > recorded.offset;
}

function hearWord(decision: Decision, run: Run, word: AgentWord, mark: Mark): void {
  const { runId } = run.trace;
  switch (word.type) {
    case "hello":
      return greet(decision, run, word, mark);
    case "accepted":
      return acceptMessage(decision, run, word, mark);
    case "turn_ended":
      return endTurn(decision, run, word, mark);
    case "operation":
      return requestOperation(decision, run, word.operation, mark);
    case "bye":
      return decision.emit<AgentLeft>("AgentLeft", { runId, mark });
    case "gap":
      return decision.emit<MailboxGapSkipped>("MailboxGapSkipped", { runId, mark });
    case "unreadable":
      return reject(decision, run, mark, word.code, word.reason);
    default:
      word satisfies never;
  }
}

function acceptMessage(decision: Decision, run: Run, word: WordOf<"accepted">, mark: Mark): void {
  const { runId } = run.trace;
  const message = decision.state.messages.get(word.message);
  const waits = message?.at.type === "queued";
  const handedOver = message?.at.type === "delivered" && message.at.runId === runId;
  if (message === undefined || !(waits || handedOver)) {
    return reject(
      decision,
      run,
      mark,
      "UNKNOWN_MESSAGE",
      `No message "${word.message}" is waiting.`,
    );
  }
  startTurn(decision, run, word.turn, mark);
  acceptInto(decision, run, message, word.turn, mark);
}

/** The agent can accept a message before the host has recorded that it was put. */
function acceptInto(
  decision: Decision,
  run: Run,
  message: OpenMessage,
  turnId: string,
  mark: Mark,
): void {
  const { runId } = run.trace;
  const messageId = message.id;
  if (message.at.type === "queued") {
    const delivery = message.deliveries + 1;
    decision.emit<MessageDelivered>("MessageDelivered", { messageId, runId, delivery });
  }
  decision.emit<MessageAccepted>("MessageAccepted", { messageId, runId, turnId, mark });
}

function startTurn(decision: Decision, run: Run, turnId: string, mark: Mark): void {
  if (decision.state.run?.turn?.id === turnId) return;
  decision.emit<TurnStarted>("TurnStarted", { runId: run.trace.runId, turnId, mark });
}

function endTurn(decision: Decision, run: Run, word: WordOf<"turn_ended">, mark: Mark): void {
  const { runId, protocol } = run.trace;
  if (protocol === 0) acceptAllDelivered(decision, run, word.turn, mark);
  const messageIds = settledBy(decision, run, word.turn);
  const isOverForNow = isForNow(word.error) || isBrokenOff(word.outcome, decision.state.run);
  const isTriedAgain = messageIds.length > 0 && isOverForNow;
  decision.emit<TurnEnded>("TurnEnded", {
    runId,
    turnId: word.turn,
    outcome: word.outcome,
    text: word.text,
    error: word.error ?? null,
    usage: word.usage ?? null,
    costUsd: word.costUsd ?? null,
    messageIds: isTriedAgain ? [] : messageIds,
    conversation: word.conversation ?? decision.state.conversation.id,
    transcriptId: word.transcript ?? null,
    mark,
  });
  withdraw(
    decision,
    "turn_ended",
    ({ turnId, operation }) => turnId === word.turn && operation.runId === runId,
  );
  // The next run tries again, when its time has come; what the transcript holds goes on there.
  if (isTriedAgain && run.stop === null && run.phase.type !== "over")
    requestStop(decision, "turn_failed", "drain");
}

function isForNow(error: TurnError | undefined): boolean {
  return error?.class === "transient" || error?.class === "rate";
}

/** Protocol 0 has no word for acceptance: a frame ends the turn of what was handed over. */
function acceptAllDelivered(decision: Decision, run: Run, turnId: string, mark: Mark): void {
  for (const message of decision.state.messages.values()) {
    if (message.at.type !== "delivered" || message.at.runId !== run.trace.runId) continue;
    startTurn(decision, run, turnId, mark);
    acceptInto(decision, run, message, turnId, mark);
  }
}

/** The turn's messages, and those whose answer a continuation among them brings. */
function settledBy(decision: Decision, run: Run, turnId: string): readonly MessageId[] {
  const ids: MessageId[] = [];
  for (const { id, at, replaces } of decision.state.messages.values()) {
    if (at.type !== "accepted" || at.turnId !== turnId || at.runId !== run.trace.runId) continue;
    ids.push(...replaces, id);
  }
  return ids;
}

function reject(decision: Decision, run: Run, mark: Mark, code: string, reason: string): void {
  decision.emit<WordRejected>("WordRejected", { runId: run.trace.runId, code, reason, mark });
}
