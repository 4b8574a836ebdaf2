import { z } from "zod";
import type { OperationOutcome } from "../host/agent-host.ts";
import { agentTool, type AgentTool } from "./agent-tool.ts";
import type { ToolReport } from "./outcome-report.ts";

/** The tool by which a model asks the people who look after it. */
export const askPersonTool: AgentTool = agentTool(
  "ask_person",
  "Ask the people who look after you a question, and wait for the answer. Only when you cannot go on without it: a decision that is not yours, or a fact that you cannot find. It can take hours; ask everything at once. Returns what was answered, and by whom.",
  {
    question: z
      .string()
      .min(1)
      .max(8_000)
      .describe("The question with what one needs to know to answer it, as Markdown."),
    choices: z
      .array(z.string().min(1).max(200))
      .max(10)
      .optional()
      .describe("Answers to choose from, where there are a few. People may answer otherwise."),
  },
  ({ question, choices }) => ({
    type: "person.ask",
    question,
    ...(choices === undefined ? {} : { choices }),
  }),
  { readOnly: true, report },
);

const answered = z.object({ answer: z.string(), by: z.string() });

function report(outcome: OperationOutcome): ToolReport {
  const said = answered.safeParse(outcome.data);
  if (outcome.status === "delivered" && said.success) {
    return { text: `${said.data.by} answered:\n${said.data.answer}`, failed: false };
  }
  const why = outcome.error === undefined ? "" : `: ${outcome.error.message}`;
  return {
    text: `There is no answer${why}\nDo not ask the same again. Decide with what you know and say what you decided, or stop and say what you need.`,
    failed: true,
  };
}
