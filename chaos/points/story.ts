import {
  createOrchestrator,
  type Orchestrator,
  type Receipt,
  type SessionHandle,
  type TrackerCall,
} from "@waybill/core";
import {
  chat,
  exit,
  fakeBoard,
  fakeTracker,
  fakeWorld,
  flood,
  hang,
  leave,
  mute,
  operation,
  reply,
  stillborn,
  work,
  type FakeBoard,
  type FakeWorld,
  type Step,
} from "@waybill/core/testing";

/** A world in which the story takes place. */
export interface Setting {
  readonly world: FakeWorld;
  readonly board: FakeBoard;
  /** What the user was told, by what was asked. */
  readonly answers: Map<string, string>;
  /** Plays the user's part from the top; safe to repeat. */
  readonly program: (world: FakeWorld) => Promise<void>;
}

/** The sessions of the story, and what is sent to each. */
export const sessions: ReadonlyMap<string, readonly string[]> = new Map([
  ["s", ["1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11"].map(request)],
  ["fork", [request("12")]],
  ["stopped", ["Never mind."]],
]);

function request(question: string): string {
  return `Do ${question}.`;
}

const comment = (content: string): Step => operation({ type: "task.comment", task: "42", content });
const status = (name: string): Step => operation({ type: "task.status", task: "42", status: name });

/** What the agent does: a paragraph for each message. */
const script: readonly Step[] = [
  ...[operation(chat("7", "one")), operation({ type: "task.take", task: "42" }), reply("1")],
  // killed in mid-turn: the next run gets a continuation
  ...[operation(chat("7", "two")), exit(137), operation(chat("7", "three")), reply("2")],
  // somebody has to allow these two; one of them is refused
  ...[comment("four"), status("granted"), status("denied"), comment("five"), reply("3")],
  // not allowed to this session; and a question
  ...[
    operation(chat("9", "never")),
    operation({ type: "chat.read", chat: "7" }),
    reply("4", { costUsd: 5 }),
  ],
  // handed over after the budget was raised; the transcript is lost in mid-turn
  ...[operation(chat("7", "six")), exit(1, { forgets: true }), comment("seven"), reply("5")],
  // parked after a row of bad ends, then unparked
  ...[exit(1), stillborn(1), mute(), operation(chat("7", "eight")), reply("6")],
  // works for a while, then hangs, deaf: stalled and killed
  ...[work({ seconds: 20 }), hang({ deaf: true }), comment("nine"), reply("7")],
  // never done in time: given up, mended, driven again
  ...[operation(chat("7", "ten")), flood(3), reply("8")],
  // interrupted
  hang(),
  // leaves too early
  ...[leave(), operation(chat("7", "eleven")), reply("10")],
  // after the session was closed and opened again
  ...[operation({ type: "task.complete", task: "42" }), reply("11")],
  // the fork's
  ...[operation(chat("7", "twelve")), reply("12")],
];

/** The questions of the first life of session "s", before it is closed. */
const questions = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "10"];

/** A new setting, in which the orchestrator dies at these points. */
export async function setting(options: {
  readonly keys: boolean;
  readonly crashAt: readonly number[];
}): Promise<Setting> {
  const board = fakeBoard(["7", "9"], ["42"]);
  const answers = new Map<string, string>();
  // What is broken at the board until a person mends it: no crash of ours mends or breaks it again.
  const tenth = { isMended: false };
  // Another process, which owns no session, writes to the log while the second operation is under way.
  let web: Orchestrator | null = null;
  const meddle = async ({ operation: asked }: TrackerCall): Promise<void> => {
    if ("content" in asked && asked.content === "two") await web?.session("s").raiseBudget(4.5);
  };
  const world = fakeWorld(
    { coder: script, idler: [hang({ deaf: true })] },
    {
      crashAt: options.crashAt,
      // What others append is heard of late, so that one writes before it has read.
      weather: (point) => (point === "store.subscribe" ? { thereMs: 1_000 } : null),
      policy: {
        approve: ["task.status"],
        budgetUsd: 4,
        failures: 3,
        operationMs: 30_000,
        // No call comes late to this board, so a look-up proves what it finds at once.
        doubtMs: 0,
        stallMs: 60_000,
        startMs: 30_000,
        graceMs: 1_000,
      },
      tracker: () => {
        const tracker = fakeTracker({
          board,
          keys: options.keys,
          now: () => world.clock.now(),
          fault: ({ operation: asked }) =>
            "content" in asked && asked.content === "ten" && !tenth.isMended
              ? { type: "unavailable" }
              : null,
        });
        const perform = async (call: TrackerCall): Promise<Receipt> => {
          const receipt = await tracker.perform(call);
          await meddle(call);
          return receipt;
        };
        return { ...tracker, perform };
      },
    },
  );
  web = await createOrchestrator({ ...world.bystander(), sharing: { capacity: 0 } });
  const mend = (): void => {
    tenth.isMended = true;
  };
  return { world, board, answers, program: (place) => live(place, answers, mend) };
}

async function live(
  world: FakeWorld,
  answers: Map<string, string>,
  mend: () => void,
): Promise<void> {
  const orchestrator = await createOrchestrator(world.ports());
  lookAfter(orchestrator);
  const scope = { chats: ["7"], tasks: ["42"] };
  const session = await orchestrator.open({ id: "s", agent: "coder", scope });
  await allow(session);
  for (const question of questions) {
    answers.set(question, await ask(session, question));
    if (question === "8") await drive(session, mend);
  }
  await session.close();

  const again = await orchestrator.open({ id: "s", agent: "coder", scope });
  answers.set("11", await ask(again, "11"));
  const fork = await again.fork({ id: "fork" });
  answers.set("12", await ask(fork, "12"));
  await Promise.all([again.close(), fork.close()]);

  const stopped = await orchestrator.open({ id: "stopped", agent: "idler" });
  await stopped.send("Never mind.", { idempotencyKey: "n" });
  await stopped.stop();
  await orchestrator.shutdown();
}

/** Asks until there is an answer: what stands in the way is mended first. */
async function ask(session: SessionHandle, question: string): Promise<string> {
  for (;;) {
    try {
      const asked = session.ask(request(question), { idempotencyKey: question });
      if (question === "9") await interruptWhenItRuns(session);
      const { text, outcome } = await asked;
      return `${outcome} ${text}`;
    } catch (error) {
      const { code } = error as { readonly code?: string };
      if (code === "BUDGET_EXCEEDED") await session.raiseBudget(null);
      else if ((await session.state()).parked !== null) await session.unpark();
      else throw error;
    }
  }
}

/** Interrupts each turn of this message, for as long as it has no answer. */
async function interruptWhenItRuns(session: SessionHandle): Promise<void> {
  for await (const event of session.events()) {
    const { run, messages } = await session.state();
    if (event.type === "TurnEnded" && messages.size === 0) return;
    if (event.type === "MessageAccepted" && run?.turn !== null) await session.interrupt();
  }
}

/** Drives again what was given up, once the board is mended. */
async function drive(session: SessionHandle, mend: () => void): Promise<void> {
  mend();
  for (const { id } of await session.deadLetters()) await session.redrive(id);
}

/** Somebody decides on each operation that waits, as soon as it does. */
function lookAfter(orchestrator: Orchestrator): void {
  orchestrator.on("OperationRequested", ({ stream, data }) => {
    if (data.approvalUntil !== null) void allow(orchestrator.session(stream));
  });
}

async function allow(session: SessionHandle): Promise<void> {
  for (const { operation: asked } of await session.approvals()) {
    const isGranted = "status" in asked.operation && asked.operation.status === "granted";
    if (isGranted) await session.grant(asked.id);
    else await session.deny(asked.id, { reason: "Not that." });
  }
}
