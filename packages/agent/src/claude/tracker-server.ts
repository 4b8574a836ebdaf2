import { createSdkMcpServer, tool } from "@anthropic-ai/claude-agent-sdk";
import type { McpSdkServerConfigWithInstance } from "@anthropic-ai/claude-agent-sdk";
import { z } from "zod";
import type { AgentTool } from "../tools/agent-tool.ts";
import { askPersonTool } from "../tools/ask-person.ts";
import { failureReport } from "../tools/outcome-report.ts";
import type { ToolReport } from "../tools/outcome-report.ts";
import { trackerTools } from "../tools/tracker-tools.ts";
import type { AskHost } from "./ask-host.ts";

/** The name of the server, and the prefix of its tools as the model sees them. */
export const TRACKER_SERVER = "tracker";

/** The tools of the board, and the one that asks people, as an MCP server inside this process: no child process inherits a key. */
export function trackerServer(ask: AskHost): McpSdkServerConfigWithInstance {
  return createSdkMcpServer({
    name: TRACKER_SERVER,
    version: "1.0.0",
    // Without it the tools hide behind a search, and the model does not think of them.
    alwaysLoad: true,
    tools: [...trackerTools, askPersonTool].map((described) =>
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
  described: AgentTool,
  input: unknown,
  extra: unknown,
  ask: AskHost,
): Promise<ToolReport> {
  try {
    return described.report(await ask(described.operation(input), signalOf(extra)));
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
