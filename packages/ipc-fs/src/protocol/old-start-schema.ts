import type { RunSpec } from "@waybill/core";
import { z } from "zod";

/** Protocol 0: the object on standard input. */
export interface OldStart {
  readonly prompt: string;
  /** The conversation to resume; null for a new one. */
  readonly sessionId: string | null;
  readonly agentSlug: string;
  readonly agentName: string;
  readonly secrets: Readonly<Record<string, string>>;
}

/** Makes the protocol-0 start of a run. */
export function oldStart(run: RunSpec, secrets: Readonly<Record<string, string>>): OldStart {
  return {
    prompt: run.prompt ?? "",
    sessionId: run.conversation.resume ? run.conversation.id : null,
    agentSlug: run.agent.slug,
    agentName: run.agent.name,
    secrets,
  };
}

/** The shape of the protocol-0 start. */
export const oldStartSchema: z.ZodType<OldStart> = z.object({
  prompt: z.string(),
  sessionId: z.string().nullable(),
  agentSlug: z.string(),
  agentName: z.string(),
  secrets: z.record(z.string(), z.string()),
});
