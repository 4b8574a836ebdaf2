import { WaybillError } from "@waybill/core";
import type { JsonObject } from "@waybill/core";
import { z } from "zod";

/** What an agent's own configuration may say; the host hands it on as its user wrote it. */
export interface AgentConfig {
  /** The model's name. Default: the SDK's. */
  readonly model?: string | undefined;
  /** Models to use while the first is overloaded, separated by commas. Default: none. */
  readonly fallbackModel?: string | undefined;
  /** The whole system prompt. Default: the SDK's prompt for coding agents. */
  readonly systemPrompt?: string | undefined;
  /** What is added to the SDK's prompt. Default: who the agent is, and that people read the board. */
  readonly appendSystemPrompt?: string | undefined;
  /**
   * What tools may do. Default: `unattended`, since the container is the wall.
   * - `unattended`: everything that is not on the deny list.
   * - `ask`: what reads, and what is on the allow list; for the rest a person is asked.
   * - `edits`: as `ask`, and files of the workspace may be changed unasked.
   * - `listed`: as `ask`, and the rest is denied unasked.
   * - `plan`: what reads; then the plan is put before a person, and once allowed goes on as `ask`.
   */
  readonly permissions: "unattended" | "ask" | "edits" | "listed" | "plan";
  /** The built-in tools that the agent has. Default: the SDK's. */
  readonly tools?: readonly string[] | undefined;
  /** Tools that need no leave, whole or by rule (`Bash(git log *)`), beside the board's. Default: none. */
  readonly allowedTools: readonly string[];
  /** Tools that may never be used, whole or by rule, beside those that need a terminal or a clock. */
  readonly disallowedTools: readonly string[];
  /** Model calls in one turn. Default: no limit. */
  readonly maxTurns?: number | undefined;
  /** US dollars for one run, by the SDK's own count. Default: no limit. */
  readonly maxBudgetUsd?: number | undefined;
  /** How hard the model thinks. Default: the model's. */
  readonly effort?: "low" | "medium" | "high" | "xhigh" | "max" | undefined;
  /** Repeats of a failed model call inside a turn. Default: 2; the host owns long back-off. */
  readonly maxRetries: number;
  /** Whether the files are kept at the end of each turn, in a workspace that is a git repository. Default: true. */
  readonly checkpoints: boolean;
}

const names = z.array(z.string().min(1));

const agentConfig: z.ZodType<AgentConfig> = z.strictObject({
  model: z.string().min(1).optional(),
  fallbackModel: z.string().min(1).optional(),
  systemPrompt: z.string().min(1).optional(),
  appendSystemPrompt: z.string().min(1).optional(),
  permissions: z.enum(["unattended", "ask", "edits", "listed", "plan"]).default("unattended"),
  tools: names.optional(),
  allowedTools: names.default([]),
  disallowedTools: names.default([]),
  maxTurns: z.int().min(1).optional(),
  maxBudgetUsd: z.number().positive().optional(),
  effort: z.enum(["low", "medium", "high", "xhigh", "max"]).optional(),
  maxRetries: z.int().min(0).max(10).default(2),
  checkpoints: z.boolean().default(true),
});

/** Reads the configuration. Throws `CONFIG_INVALID` with every field that is wrong. */
export function readAgentConfig(config: JsonObject): AgentConfig {
  const read = agentConfig.safeParse(config);
  if (read.success) return read.data;
  throw new WaybillError(
    "CONFIG_INVALID",
    `The agent's configuration does not fit: ${z.prettifyError(read.error)}. Mend it where the agent is defined.`,
    { details: { issues: read.error.issues.map((issue) => issue.path.join(".")) } },
  );
}
