import { createSdkMcpServer, tool } from "@anthropic-ai/claude-agent-sdk";
import type { McpSdkServerConfigWithInstance } from "@anthropic-ai/claude-agent-sdk";
import type { TrackerOperation } from "@waybill/core";
import { z } from "zod";
import type { OperationOutcome } from "../host/agent-host.ts";
import { failureReport, outcomeReport } from "../tools/outcome-report.ts";
import type { ToolReport } from "../tools/outcome-report.ts";
import { trackerTools } from "../tools/tracker-tools.ts";
import type { TrackerTool } from "../tools/tracker-tools.ts";

/** Asks the host for something at the Tracker; aborting ends the wait, not the operation. */
export type AskHost = (
  operation: TrackerOperation,
  options: { readonly signal?: AbortSignal },
) => Promise<OperationOutcome>;

/** The name of the server, and the prefix of its tools as the model sees them. */
export const TRACKER_SERVER = "tracker";

/** The Tracker's tools as an MCP server inside this process: no child process inherits a key. */
export function trackerServer(ask: AskHost): McpSdkServerConfigWithInstance {
  return createSdkMcpServer({
    name: TRACKER_SERVER,
    version: "1.0.0",
    // Without it the tools hide behind a search, and the model does not think of them.
    alwaysLoad: true,
    tools: trackerTools.map((described) =>
      tool(
        described.name,
        described.description,
        { ...described.input },
        async (input, extra) => asResult(await call(described, input, extra, ask)),
        { annotations: { readOnlyHint: described.readOnly } },
      ),
    ),
  });
}

async function call(
  described: TrackerTool,
  input: unknown,
  extra: unknown,
  ask: AskHost,
): Promise<ToolReport> {
  try {
    const outcome = await ask(described.operation(input), signalOf(extra));
    return outcomeReport(described.name, outcome);
  } catch (error) {
    return failureReport(described.name, error);
  }
}

/** The SDK hands over its request's signal, undeclared; an interrupt aborts it. */
function signalOf(extra: unknown): { readonly signal?: AbortSignal } {
  const read = z.object({ signal: z.instanceof(AbortSignal) }).safeParse(extra);
  return read.success ? { signal: read.data.signal } : {};
}

function asResult(report: ToolReport): {
  content: { type: "text"; text: string }[];
  isError: boolean;
} {
  return { content: [{ type: "text", text: report.text }], isError: report.failed };
}
