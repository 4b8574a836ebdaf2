// An agent as it should be, a step at a time; and one that says what it likes.
import type { AgentOperation, AgentWord, RunTrace, TurnError } from "@waybill/core";
import type { Machine, Process } from "./machine.ts";

const operations: readonly AgentOperation[] = [
  { type: "chat.send", chat: "7", content: "hi" },
  { type: "task.comment", task: "42", content: "so far" },
  { type: "chat.send", chat: "7", content: "ho" },
  { type: "chat.read", chat: "7" },
  { type: "chat.send", chat: "9", content: "not mine" },
  { type: "task.status", task: "42", status: "review" },
  { type: "person.ask", question: "Which one?" },
  { type: "person.permit", tool: "Bash", input: { command: "make" } },
];

/** Does the next thing that the agent should do; false where it waits. */
export function agentStep(
  machine: Machine,
  process: Process,
  run: RunTrace,
  options: {
    readonly beat: number;
    readonly costUsd: number | null;
    readonly fails: TurnError | null;
  },
): boolean {
  if (process.state !== "alive") return false;
  const { id: conversation } = run.conversation;
  if (!process.hasGreeted) {
    process.hasGreeted = true;
    const holds = run.unsettled.filter((id) => machine.transcript.has(id));
    const context = !run.conversation.resume
      ? "fresh"
      : machine.transcript.size > 0
        ? "resumed"
        : "lost";
    machine.say(process, { type: "hello", agent: "model", context, holds });
    return true;
  }
  const message = process.inbox.shift();
  if (message !== undefined) {
    process.turn ??= { name: `t${(process.turns += 1)}` };
    machine.transcript.add(message);
    if (process.protocol === 1)
      machine.say(process, { type: "accepted", turn: process.turn.name, message });
    return true;
  }
  if (process.turn !== null) {
    const operation = operations[options.beat % operations.length];
    if (options.beat % 5 < 2 && operation !== undefined && !process.interrupted) {
      machine.say(process, { type: "operation", operation });
      return true;
    }
    const { costUsd, fails } = options;
    const turn = process.turn.name;
    const outcome = process.interrupted ? "interrupted" : fails === null ? "completed" : "failed";
    process.turn = null;
    process.interrupted = false;
    machine.say(process, {
      type: "turn_ended",
      turn,
      outcome,
      text: "done",
      ...(outcome === "failed" && fails !== null ? { error: fails } : {}),
      ...(costUsd === null ? {} : { costUsd }),
      ...(process.protocol === 0 ? { conversation } : {}),
    });
    return true;
  }
  if (!process.dismissed) return false;
  machine.say(process, { type: "bye" });
  machine.end(process, { exitCode: 0, signal: null, oomKilled: false });
  return true;
}

/** What an agent that nobody trusts may say: fitting or not. */
export function babble(pick: number, messages: readonly string[]): AgentWord {
  const message = messages[pick % Math.max(messages.length, 1)] ?? "nobody";
  const words: readonly AgentWord[] = [
    { type: "hello", agent: "model", context: "lost", holds: [message] },
    { type: "hello", agent: "model", context: "resumed", holds: [...messages] },
    { type: "accepted", turn: "t1", message },
    { type: "accepted", turn: "t9", message },
    { type: "accepted", turn: "t1", message: "nobody" },
    { type: "turn_ended", turn: "t1", outcome: "completed", text: "done", costUsd: 0.2 },
    { type: "turn_ended", turn: "t9", outcome: "failed", text: "" },
    {
      type: "turn_ended",
      turn: "t1",
      outcome: "failed",
      text: "",
      error: { code: "BUSY", message: "Busy.", class: "rate", resetsAt: 9e15 },
    },
    { type: "operation", operation: { type: "task.take", task: "42" } },
    { type: "operation", operation: { type: "task.list" } },
    { type: "bye" },
    { type: "unreadable", code: "TOO_DEEP", reason: "Nested too deeply." },
    { type: "gap", through: 3 },
  ];
  return words[pick % words.length] ?? { type: "bye" };
}
