import { mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { createRequire } from "node:module";
import type { Attachment } from "@waybill/core";
import { expect, test } from "vitest";
import { REAL_KEY, gatewayBed, planOf } from "./support/gateway-bed.ts";
import { stubUpstream } from "./support/stub-upstream.ts";
/** As much of the SDK as this test uses. */
interface Sdk {
  query(conversation: { prompt: string; options: object }): AsyncIterable<{
    type: string;
    subtype?: string;
    is_error?: boolean;
    result?: string;
  }>;
}

test.each([
  ["an API key", { apiKey: REAL_KEY }, { "x-api-key": REAL_KEY }],
  ["an OAuth token", { oauthToken: REAL_KEY }, { authorization: `Bearer ${REAL_KEY}` }],
])("the real SDK has a conversation through the socket with %s", async (_, credential, sent) => {
  await using upstream = await stubUpstream();
  await using bed = gatewayBed(upstream.url);
  const attachment = await bed.gateway({ credential }).attach(planOf("run-1"));
  const home = mkdtempSync(path.join(os.tmpdir(), "wg-home-"));
  try {
    const result = await converse(home, environmentOf(attachment));
    expect(result).toEqual({ isError: false, text: "hello" });
  } finally {
    rmSync(home, { recursive: true, force: true });
  }

  expect(upstream.asked.length).toBeGreaterThan(0);
  for (const { method, url, headers } of upstream.asked) {
    expect(`${method} ${url}`).toMatch(/^POST \/v1\/messages(\/count_tokens)?\?beta=true$/);
    expect(headers).toMatchObject(sent);
    expect(JSON.stringify(headers)).not.toContain("placeholder");
  }
  // Whatever else it tried would stand here as refused.
  expect(bed.audit().every(({ outcome }) => outcome === "answered")).toBe(true);
  expect(bed.audit()[0]!["model"]).toMatch(/^claude-/);
});

/** What a process run's environment would be: every path as the host sees it. */
function environmentOf(attachment: Attachment): Record<string, string> {
  const entries = Object.entries(attachment.env).map(([name, value]): [string, string] => {
    if (typeof value === "string") return [name, value];
    const folder = attachment.folders.find(({ at }) => at === value.folder)!;
    return [name, path.join(folder.host, value.file ?? "")];
  });
  return Object.fromEntries(entries);
}

async function converse(
  home: string,
  env: Record<string, string>,
): Promise<{ isError: boolean | undefined; text: string | undefined }> {
  // The SDK is the agent's dependency; the gateway only has to carry it.
  const agent = createRequire(new URL("../../agent/package.json", import.meta.url));
  const sdk: Sdk = await import(
    pathToFileURL(agent.resolve("@anthropic-ai/claude-agent-sdk")).href
  );
  const conversation = sdk.query({
    prompt: "Say hello.",
    options: {
      cwd: home,
      env: {
        PATH: process.env["PATH"],
        HOME: home,
        CLAUDE_CONFIG_DIR: path.join(home, "config"),
        CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
        CLAUDE_CODE_MAX_RETRIES: "0",
        ...env,
      },
      settingSources: [],
      permissionMode: "default",
    },
  });
  for await (const message of conversation) {
    if (message.type === "result" && message.subtype === "success") {
      return { isError: message.is_error, text: message.result };
    }
  }
  throw new Error("The conversation ended without a result.");
}
