/** Where it plays: a chat and a task of the reference Tracker. */
export const board = { chat: "7", task: "42", title: "Tests for the parser" } as const;

/** The fact that a later run must remember. */
export const codeWord = "Heron-7";

const tool = (name: string, input: object): string =>
  `tool mcp__tracker__${name} ${JSON.stringify(input)}`;
const post = (content: string): string => tool("chat_send", { chat: board.chat, content });
const comment = (content: string): string => tool("task_comment", { task: board.task, content });
const message = (text: string, lines: readonly string[]): string =>
  `${text}\n\n\`\`\`script\n${lines.join("\n")}\n\`\`\``;

/** What people say in the demo. The scripted model plays the block that rides in each. */
export const messages = {
  work: message(`Please take task ${board.task}: ${board.title}. The code word is ${codeWord}.`, [
    tool("task_take", { task: board.task }),
    post("I have taken task 42."),
    comment("Plan: read the parser, write the tests, run them."),
    "wait 1200",
    post("The first tests are written."),
    'say "The tests for the parser are written."',
  ]),
  followUp: message("One more thing: lint it too.", [
    post("Linting as well, as you asked."),
    'say "Linted too."',
  ]),
  finish: message("Run everything once more, then complete the task.", [
    post("Running everything once more."),
    'tool Bash {"command":"sleep 2; echo 41 passed","description":"Run the tests"}',
    comment("All 41 tests pass."),
    tool("task_complete", { task: board.task }),
    'say "Task 42 is done: 41 tests pass."',
  ]),
  remember: message("What was the code word?", [
    `recall /code word is ([\\w-]+)/ The code word was $1.`,
  ]),
} as const;

/** The same messages in words alone, for a real model. */
export const liveMessages: Record<keyof typeof messages, string> = {
  work:
    `Please take task ${board.task} (${board.title}) on the board, post "I have taken task 42." to chat ${board.chat}, ` +
    `and comment "Plan: read the parser, write the tests, run them." on the task. Then run \`sleep 5\` with Bash and post ` +
    `"The first tests are written." to the chat. The code word is ${codeWord}.`,
  followUp: `One more thing: post "Linting as well, as you asked." to chat ${board.chat}.`,
  finish:
    `Post "Running everything once more." to chat ${board.chat}, run \`sleep 5; echo 41 passed\` with Bash, comment ` +
    `"All 41 tests pass." on task ${board.task} and complete the task.`,
  remember: "What was the code word?",
};

/** Everything that the scripts ask for at the board, each by its unique content. */
export const asked: readonly string[] = [
  "I have taken task 42.",
  "The first tests are written.",
  "Linting as well, as you asked.",
  "Running everything once more.",
  "Plan: read the parser, write the tests, run them.",
  "All 41 tests pass.",
  `${board.task} in_progress`,
  `${board.task} done`,
];
