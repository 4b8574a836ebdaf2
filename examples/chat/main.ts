// The old runner's interactive command line, over a session that survives it. See README.md.
import { createInterface } from "node:readline";
import { Logger as TsLogger } from "tslog";
import { isWaybillError, type Orchestrator, type SessionHandle } from "@waybill/core";
import { scriptedModel } from "@waybill/agent/testing";
import { Asked } from "./asked.ts";
import { chatOptions, type ChatOptions } from "./options.ts";
import { chatOrchestrator, scopeOf } from "./parts.ts";
import { Screen } from "./screen.ts";

try {
  await chat(chatOptions(process.argv.slice(2), process.env));
} catch (error) {
  if (!isWaybillError(error) && !(error instanceof TypeError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}

async function chat(options: ChatOptions): Promise<void> {
  const model = options.credential === null ? await scriptedModel() : null;
  const credential = options.credential ?? { apiKey: "scripted" };
  const upstream = model === null ? {} : { upstream: model.url };
  const logger = new TsLogger({ type: "hidden" });
  try {
    await using orchestrator = await chatOrchestrator(options, { credential, ...upstream }, logger);
    const session = await openSession(orchestrator, options);
    await converse(orchestrator, session, options, model !== null);
  } finally {
    await model?.close();
  }
}

/** The newest session of this agent for `--resume`, else a new one. */
async function openSession(
  orchestrator: Orchestrator,
  options: ChatOptions,
): Promise<SessionHandle> {
  const { slug: agent } = options;
  const earlier = (await orchestrator.list()).findLast((each) => each.agent === agent);
  const stamp = new Date().toISOString().replaceAll(/[-:.]/g, "");
  const id = options.resume && earlier !== undefined ? earlier.id : `${agent}-${stamp}`;
  return orchestrator.open({ id, agent, scope: scopeOf(options) });
}

async function converse(
  orchestrator: Orchestrator,
  session: SessionHandle,
  options: ChatOptions,
  scripted: boolean,
): Promise<void> {
  const input = createInterface({ input: process.stdin, output: process.stdout, prompt: "› " });
  const screen = new Screen(input);
  const asked = new Asked(session, screen);
  screen.print(`${options.name}, session ${session.id}. Ctrl+C interrupts, twice closes.`);
  if (scripted) screen.print("No key is set: a scripted model answers.");
  if (options.tracker === null) screen.print("No TRACKER_TOKEN is set: there is no board.");

  await asked.begin();
  const watching = new AbortController();
  const { version } = await session.state();
  const offActivity = orchestrator.onActivity((id, activity) => {
    if (id === session.id) screen.activity(activity);
  });
  const watched = (async () => {
    for await (const record of session.events({ after: version, signal: watching.signal })) {
      screen.record(record);
      asked.see(record);
    }
  })();

  let sending = Promise.resolve();
  let before = "";
  input.on("line", (typed) => {
    // A backslash at the end of a line: the message goes on in the next one.
    if (typed.endsWith("\\")) {
      before += `${typed.slice(0, -1)}\n`;
      return input.prompt();
    }
    const line = before + typed;
    before = "";
    if (line.trim() === "") return input.prompt();
    sending = sending
      .then(async () => (await asked.take(line)) || session.send(line))
      .then(
        () => undefined,
        (error: unknown) => screen.print(String(error)),
      );
  });
  await untilLeft(input, session, screen);
  await sending;
  screen.status("closing: the agent finishes …");
  await session.close();
  watching.abort();
  await watched;
  offActivity();
  input.close();
  console.log(`\nClosed. Go on with: pnpm chat --slug ${options.slug} --resume`);
}

async function interrupt(session: SessionHandle, screen: Screen): Promise<void> {
  const busy = ["running", "asking"].includes(await session.status());
  screen.print(busy ? "  interrupting; Ctrl+C again closes" : "  Ctrl+C again closes");
  await session.interrupt();
}

/** Resolves at the end of input or at the second Ctrl+C; the first one interrupts the turn. */
function untilLeft(
  input: ReturnType<typeof createInterface>,
  session: SessionHandle,
  screen: Screen,
): Promise<void> {
  return new Promise((resolve) => {
    let pressedAt = -Infinity;
    input.once("close", resolve);
    input.on("SIGINT", () => {
      const again = performance.now() - pressedAt < 2_000;
      pressedAt = performance.now();
      if (again) return resolve();
      void interrupt(session, screen);
    });
    input.prompt();
  });
}
