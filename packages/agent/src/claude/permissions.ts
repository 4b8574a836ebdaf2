import type { CanUseTool, Options } from "@anthropic-ai/claude-agent-sdk";
import type { PersonOperation } from "@waybill/core";
import type { AgentConfig } from "./agent-config.ts";
import { shownInput } from "./shown-input.ts";
import type { AskHost } from "./ask-host.ts";
import { latestPlan } from "./latest-plan.ts";

/** What the tools of an agent may do by themselves, and who is asked otherwise. */
export type Permissions = AgentConfig["permissions"];

/** The SDK's words for it. A mode is always named: the SDK's own default depends on its version. */
export function permissionOptions(
  permissions: Permissions,
  parts: { readonly ask: AskHost; readonly claude: string },
): Options {
  switch (permissions) {
    case "unattended":
      return {
        permissionMode: "bypassPermissions",
        allowDangerouslySkipPermissions: true,
        permissionPrompts: "none",
      };
    case "listed":
      return { permissionMode: "dontAsk", permissionPrompts: "none" };
    case "ask":
      return { permissionMode: "default", canUseTool: askPerson(parts) };
    case "edits":
      return { permissionMode: "acceptEdits", canUseTool: askPerson(parts) };
    case "plan":
      return { permissionMode: "plan", canUseTool: askPerson(parts) };
    default:
      return permissions satisfies never;
  }
}

/** Puts the use of a tool before a person, and waits: for a day, or over restarts of the host. */
function askPerson({
  ask,
  claude,
}: {
  readonly ask: AskHost;
  readonly claude: string;
}): CanUseTool {
  return async (tool, input, { signal, decisionReason, blockedPath }) => {
    const reason =
      decisionReason ?? (blockedPath === undefined ? undefined : `It is ${blockedPath}.`);
    try {
      const request: PersonOperation = {
        type: "person.permit",
        tool,
        input: shownInput(await withPlan(tool, input, claude)),
        ...(reason === undefined ? {} : { reason: reason.slice(0, 4_000) }),
      };
      const { status, error } = await ask(request, { signal });
      if (status === "delivered") return { behavior: "allow", updatedInput: input };
      const why = error === undefined ? "" : ` ${error.message}`;
      return {
        behavior: "deny",
        message: `This use of ${tool} was not allowed.${why} Do not try to get there another way; go on without it, or say what you need and why.`,
      };
    } catch (cause) {
      // An interrupt ends the wait; so does a mailbox that cannot take the question.
      return { behavior: "deny", message: `Nobody could be asked: ${String(cause)}` };
    }
  };
}

/** Nobody can allow a plan without seeing it. */
async function withPlan(
  tool: string,
  input: Readonly<Record<string, unknown>>,
  claude: string,
): Promise<Readonly<Record<string, unknown>>> {
  if (tool !== "ExitPlanMode" || "plan" in input) return input;
  const plan = await latestPlan(claude);
  return plan === null ? input : { ...input, plan };
}
