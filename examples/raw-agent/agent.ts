// The raw agent: run by a transport, never by hand.
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { TrackerOperation } from "@waybill/core";
import { connectAgent } from "@waybill/ipc-fs/agent";
import type { Step } from "./task.ts";
import { Transcript } from "./transcript.ts";

const channel = await connectAgent();
const { conversation, unsettled } = channel.start;
const transcript = new Transcript(
  join(process.env["WAYBILL_STATE"] ?? ".", `${conversation.id}.jsonl`),
);

await channel.hello({
  agent: "raw",
  context: !conversation.resume ? "fresh" : transcript.begun ? "resumed" : "lost",
  holds: unsettled.filter((id) => transcript.holds(id)),
});

let turns = 0;
let turn: { readonly name: string; readonly stop: AbortController } | null = null;
let closing = false;
/** Somebody ends the process: what it has in hand is left for the next one. */
let ended = false;
/** What continuations call done, accepted or refused: never to be asked for again. */
let known = "";

process.once("SIGTERM", () => {
  closing = true;
  ended = true;
  turn?.stop.abort();
  if (turn === null) void leave();
});

for await (const letter of channel.letters()) {
  if (letter.type === "interrupt") {
    if (turn?.name === letter.turn) turn.stop.abort();
  } else if (letter.type === "close") {
    closing = true;
    if (turn === null) await leave();
  } else {
    transcript.message(letter.id, letter.text);
    if (letter.from === null && letter.text.startsWith("Your previous process ended"))
      known += letter.text;
    const begins = turn === null;
    turn ??= { name: `t${(turns += 1)}`, stop: new AbortController() };
    await channel.accepted(turn.name, letter.id);
    if (begins) void work(turn.name, turn.stop.signal);
  }
}

/** Does what is left to do, then ends the turn. Messages that come meanwhile join it. */
async function work(name: string, signal: AbortSignal): Promise<void> {
  for (;;) {
    const { steps, reply } = transcript.work();
    const [step] = steps;
    if (signal.aborted || step === undefined) {
      if (!ended) transcript.reply(reply);
      turn = null;
      const outcome = signal.aborted ? "interrupted" : "completed";
      await channel.turnEnded({ turn: name, outcome, text: signal.aborted ? "" : reply });
      break;
    }
    await act(step, signal);
  }
  if (closing && turn === null) await leave();
}

async function act(step: Step, signal: AbortSignal): Promise<void> {
  if ("ask" in step) {
    if (!isKnown(step.ask)) await channel.operation(step.ask, { signal }).catch(() => null);
    transcript.step();
  } else if ("wait" in step) {
    await sleep(step.wait, undefined, { signal }).catch(() => null);
    if (!ended) transcript.step();
  } else {
    transcript.step(); // before it is done, or every run would do it again
    if (step.exit === "kill") process.kill(process.pid, "SIGKILL");
    process.exit(step.exit === "kill" ? 1 : step.exit);
  }
}

/** The host told what became of it: asking again would do it twice. */
function isKnown(operation: TrackerOperation): boolean {
  const text = "content" in operation ? `(${JSON.stringify(operation.content)})` : "";
  return known.includes(`- ${operation.type} on `) && text !== "" && known.includes(text);
}

async function leave(): Promise<void> {
  await channel.bye();
  process.exit(0);
}
