// The SDK with nothing around it: a line of standard input is a message, and a line of standard
// output says "started" when the SDK has begun with it and "ended" when its turn is over.
// The SDK's module is the argument, since this also runs inside of the agent's image.
import { randomUUID } from "node:crypto";
import { createInterface } from "node:readline";

const { query } = await import(process.argv[2]);
const running = query({
  prompt: messages(),
  options: {
    sessionId: randomUUID(),
    settingSources: [],
    strictMcpConfig: true,
    verbatimPrompts: true,
    includePartialMessages: true,
    permissionMode: "bypassPermissions",
    allowDangerouslySkipPermissions: true,
  },
});
for await (const message of running) {
  if (message.type === "command_lifecycle" && message.state === "started") console.log("started");
  if (message.type === "result") console.log("ended");
}

async function* messages() {
  for await (const content of createInterface({ input: process.stdin })) {
    yield {
      type: "user",
      uuid: randomUUID(),
      message: { role: "user", content },
      parent_tool_use_id: null,
    };
  }
}
