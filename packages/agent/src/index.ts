export { agentProgram } from "./agent-program.ts";
