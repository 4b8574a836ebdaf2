import type { InterruptRequested, MessageQueued } from "../../events/message-events.ts";
import type { SendMessage } from "../command.ts";
import type { Decision } from "../decision.ts";
import { assertNotErased, unknownSession } from "./missing-session.ts";

/** Queues a message; a repeat of one that is not settled yet changes nothing. */
export function sendMessage(decision: Decision, command: SendMessage): void {
  const { id, life, messages, policy, position } = decision.state;
  if (messages.has(command.messageId)) return;
  assertNotErased(decision);
  if (life.type === "unopened") throw unknownSession(decision);
  if (life.type === "closing") {
    throw decision.refusal(
      "SESSION_CLOSING",
      `Session ${id} is closing and takes no more messages. Open it again once it has ended.`,
    );
  }
  if (life.type === "ended") {
    throw decision.refusal(
      "SESSION_ENDED",
      `Session ${id} ended at ${new Date(life.at).toISOString()}. Open it again to go on.`,
    );
  }
  if (messages.size >= policy.queue) {
    throw decision.refusal(
      "QUEUE_FULL",
      `Session ${id} has ${messages.size} messages waiting, its limit. Wait for some to be answered or raise policy.queue.`,
      { class: "transient" },
    );
  }
  decision.emit<MessageQueued>("MessageQueued", {
    messageId: command.messageId,
    position: position + 1,
    text: command.text,
    from: command.from,
  });
}

/** Asks the agent to end its turn. */
export function interruptTurn(decision: Decision): void {
  const { run, policy } = decision.state;
  if (!run?.turn || run.phase.type === "over" || run.turn.interruptUntil !== null) return;
  decision.emit<InterruptRequested>("InterruptRequested", {
    runId: run.trace.runId,
    turnId: run.turn.id,
    reason: "asked",
    until: decision.now + policy.interruptMs,
  });
}
