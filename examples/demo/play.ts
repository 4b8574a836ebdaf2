import type { SessionRecord } from "@waybill/core";
import type { Stage } from "./stage.ts";

/** What happened, as far as the demo itself can tell. */
export interface Played {
  readonly crashes: number;
  readonly remembered: string;
}

/** What the demo says to the agent. */
export type Lines = Readonly<Record<"work" | "followUp" | "finish" | "remember", string>>;

/**
 * The whole story: work, a follow-up in mid-turn, the orchestrator killed in mid-turn and started
 * again, a close, and a new run that remembers.
 */
export async function play(
  stage: Stage,
  lines: Lines,
  narrate: (text: string) => void,
): Promise<Played> {
  narrate("An orchestrator starts and opens a session on task 42.");
  await stage.startOrchestrator();
  stage.say({ cue: "open" });
  stage.say({ cue: "send", key: "work", text: lines.work });

  await stage.next("the agent's comment", delivered("task.comment"));
  narrate("A follow-up arrives in mid-turn.");
  stage.say({ cue: "send", key: "follow-up", text: lines.followUp });
  await stage.next("the end of the first turn", answered(stage, 2));

  narrate("More work: a turn that takes a while.");
  stage.say({ cue: "send", key: "finish", text: lines.finish });
  await stage.next("the agent's message", delivered("chat.send"));
  narrate("The orchestrator is killed (SIGKILL) in mid-turn. The agent works on alone.");
  await stage.killOrchestrator();
  await new Promise((resolve) => {
    setTimeout(resolve, 1_000);
  });
  narrate("A new orchestrator starts on the same log.");
  const finished = stage.next("the end of the turn", answered(stage, 3));
  await stage.startOrchestrator();
  await finished;

  narrate("The session closes: the agent is asked to finish and its process ends.");
  const closed = stage.next("the close", ({ type }) => type === "SessionClosed");
  stage.say({ cue: "close" });
  await closed;

  narrate("The session opens again: a new run resumes the conversation.");
  const remembered = stage.next("the answer from memory", answered(stage, 4));
  stage.say({ cue: "open" });
  stage.say({ cue: "send", key: "remember", text: lines.remember });
  const answer = await remembered;
  const closedAgain = stage.next("the last close", ({ type }) => type === "SessionClosed");
  stage.say({ cue: "close" });
  await closedAgain;
  return { crashes: 1, remembered: answer.type === "TurnEnded" ? answer.data.text : "" };
}

/** An operation of this kind was done; the requests that came before tell of which kind it was. */
function delivered(kind: string): (record: SessionRecord) => boolean {
  const ofKind = new Set<string>();
  return (record) => {
    if (record.type === "OperationRequested" && record.data.operation.type === kind) {
      ofKind.add(record.data.operationId);
    }
    return record.type === "OperationDelivered" && ofKind.has(record.data.operationId);
  };
}

/** The turn that answers the message ended; messages are counted from 1. */
function answered(stage: Stage, message: number): (record: SessionRecord) => boolean {
  return (record) => {
    const id = stage.messages[message - 1];
    return record.type === "TurnEnded" && id !== undefined && record.data.messageIds.includes(id);
  };
}
