import type { AgentHost } from "./host/agent-host.ts";
import type { ModelSession, OpenedSession } from "./session/model-session.ts";

/** What the agent program puts together. */
export interface RunAgentOptions {
  readonly host: AgentHost;
  /** The agent's own name and version, for the first word. */
  readonly agent: string;
  /** Finds or begins the conversation. What it throws is a failed start: no hello was said. */
  readonly openSession: () => Promise<OpenedSession>;
  /** Aborts when the program was asked to end at once (SIGTERM). */
  readonly signal: AbortSignal;
}

/**
 * Carries letters to the session and its events to the host, from the first word to the last.
 * Resolves after bye: the host closed it, or the signal aborted. Throws where the session or the
 * mailbox fails; then no bye is said, and the host sees a run that died.
 */
export async function runAgent(options: RunAgentOptions): Promise<void> {
  const { host, signal } = options;
  const { context, holds, program, session } = await options.openSession();
  await host.hello({ agent: `${options.agent} ${program}`, context, holds });
  const stopping = stopOn(signal, session);
  try {
    await Promise.race([
      pumpEvents(host, session),
      // Letters end before events do; only their failure ends the race.
      pumpLetters(host, session).then(() => new Promise<never>(() => undefined)),
    ]);
    await stopping.settled();
  } catch (error) {
    await session.stop();
    throw error;
  } finally {
    stopping.off();
  }
  await host.bye();
}

async function pumpLetters(host: AgentHost, session: ModelSession): Promise<void> {
  for await (const letter of host.letters()) {
    if (letter.type === "message") session.take(letter);
    if (letter.type === "interrupt") await session.interrupt(letter.turn);
    if (letter.type === "close") session.finish();
  }
}

async function pumpEvents(host: AgentHost, session: ModelSession): Promise<void> {
  for await (const event of session.events()) {
    if (event.type === "activity") {
      host.activity(event.activity);
    } else if (event.type === "accepted") {
      await host.accepted(event.turn, event.message);
    } else {
      const { type: _, ...word } = event;
      await host.turnEnded(word);
    }
  }
}

function stopOn(
  signal: AbortSignal,
  session: ModelSession,
): { settled(): Promise<void>; off(): void } {
  let stopped: Promise<void> = Promise.resolve();
  const stop = (): void => {
    stopped = session.stop();
    // Awaited in `settled`; until then a failure must not end the process.
    stopped.catch(() => undefined);
  };
  signal.addEventListener("abort", stop);
  if (signal.aborted) stop();
  return { settled: () => stopped, off: () => signal.removeEventListener("abort", stop) };
}
