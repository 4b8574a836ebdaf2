import type { JsonObject, RunSpec } from "@waybill/core";
import { z } from "zod";

import { idSchema } from "./field-schemas.ts";
import { FILE_BYTES, UNACKNOWLEDGED } from "./limits.ts";

/** The start word of protocol 1: the whole of standard input. */
export interface StartEnvelope {
  readonly v: 1;
  readonly protocol: 1;
  readonly session: string;
  readonly run: string;
  readonly agent: { readonly slug: string; readonly name: string };
  readonly conversation: {
    readonly id: string;
    readonly resume: boolean;
    /** Where it begins as a copy of another one, up to a place in its transcript. */
    readonly fork?: { readonly conversation: string; readonly transcript: string };
  };
  readonly unsettled: readonly string[];
  readonly config: JsonObject;
  readonly limits: { readonly fileBytes: number; readonly unacknowledged: number };
}

/** Makes the start word of a run. */
export function startWord(run: RunSpec): StartEnvelope {
  return {
    v: 1,
    protocol: 1,
    session: run.sessionId,
    run: run.runId,
    agent: { slug: run.agent.slug, name: run.agent.name },
    conversation: conversationOf(run),
    unsettled: run.unsettled,
    config: run.config,
    limits: { fileBytes: FILE_BYTES, unacknowledged: UNACKNOWLEDGED },
  };
}

function conversationOf({
  conversation: { id, resume, fork },
}: RunSpec): StartEnvelope["conversation"] {
  if (fork === undefined) return { id, resume };
  const { conversation, transcriptId: transcript } = fork;
  return { id, resume, fork: { conversation, transcript } };
}

/** The shape of the start word. */
export const startSchema: z.ZodType<StartEnvelope> = z.object({
  v: z.literal(1),
  protocol: z.literal(1),
  session: z.string(),
  run: z.string(),
  agent: z.object({ slug: z.string(), name: z.string() }),
  conversation: z.object({
    id: z.string(),
    resume: z.boolean(),
    fork: z.object({ conversation: z.string(), transcript: z.string() }).exactOptional(),
  }),
  unsettled: z.array(idSchema),
  config: z.record(z.string(), z.json()),
  limits: z.object({ fileBytes: z.int().positive(), unacknowledged: z.int().positive() }),
});
