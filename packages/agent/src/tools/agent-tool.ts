import type { AgentOperation } from "@waybill/core";
import { z } from "zod";
import type { OperationOutcome } from "../host/agent-host.ts";
import { outcomeReport, type ToolReport } from "./outcome-report.ts";

/** A tool that asks the host for something, for any kind of model program. */
export interface AgentTool {
  readonly name: string;
  /** Written for the model: what it does, when to use it, what comes back. */
  readonly description: string;
  /** The fields of its input. */
  readonly input: Readonly<Record<string, z.ZodType>>;
  /** True where it changes nothing at the board. */
  readonly readOnly: boolean;
  /** What the host is asked for. Throws a `ZodError` for an input that does not fit. */
  operation(input: unknown): AgentOperation;
  /** What the model is told of the host's answer. */
  report(outcome: OperationOutcome): ToolReport;
}

/** Makes a tool of its input's schema and what it asks for. */
export function agentTool<Shape extends Record<string, z.ZodType>>(
  name: string,
  description: string,
  input: Shape,
  operation: (input: z.infer<z.ZodObject<Shape>>) => AgentOperation,
  options: {
    readonly readOnly?: boolean;
    readonly report?: (outcome: OperationOutcome) => ToolReport;
  } = {},
): AgentTool {
  const schema = z.object(input);
  const { readOnly = false, report = (outcome) => outcomeReport(name, outcome) } = options;
  return {
    name,
    description,
    input,
    readOnly,
    operation: (raw) => operation(schema.parse(raw)),
    report,
  };
}
