export { connectAgent } from "./connect-agent.ts";
export type { AgentChannel, ConnectOptions, HelloWord, TurnEndedWord } from "./connect-agent.ts";
export { readStart } from "./start-word.ts";
export type { OldStartWord, StartWord } from "./start-word.ts";
export type { Answer, CloseLetter, InterruptLetter, MessageLetter } from "./letter.ts";
