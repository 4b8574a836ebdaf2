// The agent of this example: run by the transport, never by hand. A real one would ask a model.
import { setTimeout as sleep } from "node:timers/promises";
import { connectAgent } from "@waybill/ipc-fs/agent";

const channel = await connectAgent();
await channel.hello({ agent: "script", context: "fresh", holds: [] });

let turns = 0;
let stop = new AbortController();
for await (const letter of channel.letters()) {
  if (letter.type === "interrupt") stop.abort();
  if (letter.type !== "message") continue;
  turns += 1;
  const turn = `t${turns}`;
  stop = new AbortController();
  await channel.accepted(turn, letter.id);
  void answer(turn, letter.text, stop.signal);
}
await channel.bye();

async function answer(turn: string, text: string, signal: AbortSignal): Promise<void> {
  // What the templates of the dispatch rules make of a task and of a message.
  const [, task = "", title = ""] = /^TASK (\S+): (.*)$/s.exec(text) ?? [];
  const [, chat = ""] = /^CHAT (\S+): /.exec(text) ?? [];
  if (task !== "") await work(task, title, signal);
  if (chat !== "") {
    await channel.operation({ type: "chat.send", chat, content: `I heard you. (turn ${turns})` });
  }
  const outcome = signal.aborted ? "interrupted" : "completed";
  await channel.turnEnded({ turn, outcome, text: "done" });
}

async function work(task: string, title: string, signal: AbortSignal): Promise<void> {
  await channel.operation({ type: "task.take", task });
  if (title.includes("for ever")) await sleep(600_000, null, { signal }).catch(() => null);
  if (signal.aborted) return;
  await channel.operation({ type: "task.comment", task, content: `I did it: ${title}` });
  await channel.operation({ type: "task.complete", task });
}
