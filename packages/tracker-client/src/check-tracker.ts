import { WaybillError, isWaybillError } from "@waybill/core";
import type { TrackerCapabilities } from "@waybill/core";
import * as z from "zod";
import { unreachable } from "./connection-failure.ts";
import type { HttpAnswer, HttpClient, HttpRequest } from "./http-client.ts";
import { refusal } from "./refusal.ts";
import { jsonOr } from "./server-said.ts";
import { read } from "./tracker-request.ts";

const health = z.object({
  authenticated: z.boolean().optional(),
  idempotency_keys: z.boolean().optional(),
  keys_kept_ms: z.number().nullable().optional(),
});

/**
 * Resolves if the board answers, knows the token, and promises what the options say. A board without
 * a health page, or with one that does not say `authenticated`, is asked for its tasks instead: a
 * question that needs the token and changes nothing.
 */
export async function checkTracker(
  client: HttpClient,
  url: string,
  capabilities: TrackerCapabilities,
  signal?: AbortSignal,
): Promise<void> {
  const context = { url, keys: capabilities.idempotencyKeys };
  const healthPage = read("health", {});
  const answer = await ask(client, healthPage, url, signal);
  if (!isMissing(answer)) {
    if (answer.status >= 300) {
      throw refusal(answer, healthPage, context);
    }
    const told = health.safeParse(jsonOr(answer.text, undefined));
    if (told.success) {
      refuseMismatch(told.data, capabilities, url);
      if (told.data.authenticated === true) {
        return;
      }
    }
  }
  const tasks = read("tasks", { limit: "1" });
  const second = await ask(client, tasks, url, signal);
  if (isMissing(second)) {
    throw unrecognized(url, second.status);
  }
  if (second.status >= 300) {
    throw refusal(second, tasks, context);
  }
  if (jsonOr(second.text, undefined) === undefined) {
    throw unrecognized(url, second.status);
  }
}

// Whether nobody listens, or somebody does and says nothing: it is the address that a person checks.
async function ask(
  client: HttpClient,
  request: HttpRequest,
  url: string,
  signal: AbortSignal | undefined,
): Promise<HttpAnswer> {
  try {
    return await client(request, signal);
  } catch (error) {
    if (
      isWaybillError(error) &&
      (error.code === "TRACKER_TIMEOUT" || error.code === "TRACKER_CONNECTION_LOST")
    ) {
      throw unreachable(url, error.code, error.message);
    }
    throw error;
  }
}

function isMissing(answer: HttpAnswer): boolean {
  return answer.status === 404 || answer.status === 405 || answer.status === 501;
}

function unrecognized(url: string, status: number): WaybillError {
  return new WaybillError(
    "TRACKER_NOT_RECOGNIZED",
    `What answers at ${url} is no Tracker: /api/v1/health and /api/v1/tasks give no Tracker's answer (${status}). Correct the address (TRACKER_URL).`,
    { details: { url, status } },
  );
}

// Found out at the start, this is one changed option; found out later, it is a message said twice.
function refuseMismatch(
  told: z.infer<typeof health>,
  capabilities: TrackerCapabilities,
  url: string,
): void {
  if (!capabilities.idempotencyKeys) {
    return;
  }
  const kept = told.keys_kept_ms ?? null;
  if (told.idempotency_keys === false) {
    throw mismatch(url, "does not honour Idempotency-Key", "idempotencyKeys: false");
  }
  if (kept !== null && (capabilities.keysKeptMs === null || kept < capabilities.keysKeptMs)) {
    throw mismatch(url, `forgets keys after ${kept} ms`, `keysKeptMs: ${kept}`);
  }
}

function mismatch(url: string, does: string, option: string): WaybillError {
  return new WaybillError(
    "TRACKER_CAPABILITY_MISMATCH",
    `The Tracker at ${url} says that it ${does}. Pass ${option} to httpTracker.`,
    { details: { url, option } },
  );
}
