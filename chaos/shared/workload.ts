import { chat as post, operation, reply, work, type Step } from "@waybill/core/testing";

/** One session's part. */
export interface SharedPart {
  readonly session: string;
  readonly agent: string;
  readonly chat: string;
  readonly messages: readonly { readonly key: string; readonly text: string }[];
  /** Every content that it posts. */
  readonly contents: readonly string[];
}

/** What the sessions of all orchestrators do together, and what the fakes among them have to do. */
export interface SharedWork {
  readonly parts: readonly SharedPart[];
  readonly scripts: Readonly<Record<string, readonly Step[]>>;
}

/** Sessions of fakes, each with an agent of its own, and then those of real processes, with one for all. */
export function sharedWork(options: {
  readonly fakes: number;
  readonly processes: number;
  readonly messages: number;
  readonly operations: number;
  /** About how long an agent rests before each operation. */
  readonly restMs: number;
  readonly random: () => number;
}): SharedWork {
  const { fakes, processes, restMs, random } = options;
  const scripts: Record<string, readonly Step[]> = {};
  const parts = Array.from({ length: fakes + processes }, (_, number): SharedPart => {
    const isFake = number < fakes;
    const agent = isFake ? `fake-${number}` : "raw";
    const chat = `chat-${number}`;
    const contents = contentsOf(number, options);
    // A turn takes whatever messages are there, and a fake's script knows only turns: one message does all.
    if (isFake)
      scripts[agent] = [
        ...contents
          .flat()
          .flatMap((content) => [
            work({ seconds: (random() * 2 * restMs) / 1_000 }),
            operation(post(chat, content)),
          ]),
        reply("done"),
      ];
    const messages = isFake
      ? [{ key: "all", text: "all" }]
      : contents.map((several, index) => ({
          key: `m${index}`,
          text: stepsOf(chat, several, restMs, `m${index}`),
        }));
    return { session: `session-${number}`, agent, chat, messages, contents: contents.flat() };
  });
  return { parts, scripts };
}

/** The contents of each message. */
function contentsOf(
  session: number,
  options: { readonly messages: number; readonly operations: number },
): readonly (readonly string[])[] {
  return Array.from({ length: options.messages }, (_, message) =>
    Array.from({ length: options.operations }, (__, each) => `${session}.${message}.${each}`),
  );
}

function stepsOf(
  chat: string,
  contents: readonly string[],
  restMs: number,
  answer: string,
): string {
  const steps = contents.flatMap((content) => [
    { ask: { type: "chat.send", chat, content } },
    { wait: restMs },
  ]);
  return JSON.stringify({ steps, reply: answer });
}
