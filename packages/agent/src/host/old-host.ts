import { randomUUID } from "node:crypto";
import { join } from "node:path";
import type { OldStartWord } from "@waybill/ipc-fs/agent";
import type { AgentHost, AgentStart } from "./agent-host.ts";
import { oldFrame } from "./old-frame.ts";
import { oldLetters } from "./old-letters.ts";
import { oldOperations } from "./old-operations.ts";

/** What an adapter to a protocol-0 host needs. */
export interface OldHostOptions {
  readonly start: OldStartWord;
  /** The workspace; the mailbox is `ipc/` in it. */
  readonly cwd: string;
  readonly print: (text: string) => void;
}

/**
 * Serves a host that speaks protocol 0 alone: the prompt of its start word is the first message,
 * follow-ups are files in `ipc/input`, results are frames on standard output, and what is to be
 * done at the Tracker is written to `ipc/messages` and `ipc/tasks`, from where no answer comes.
 */
export function oldHost(options: OldHostOptions): AgentHost {
  const { start, cwd, print } = options;
  const begun = agentStart(start);
  const letters = oldLetters({ folder: join(cwd, "ipc", "input"), prompt: start.prompt });
  const operations = oldOperations({ folder: join(cwd, "ipc"), agent: begun.agent });
  const inTurn = new Map<string, string>();
  return {
    start: begun,
    // This protocol has no such words.
    hello: () => Promise.resolve(),
    activity: () => undefined,
    letters: () => letters.take(),
    accepted(turn, message) {
      inTurn.set(message, turn);
      return Promise.resolve();
    },
    async turnEnded(word) {
      print(oldFrame(word, begun.conversation.id));
      for (const [message, turn] of inTurn) if (turn === word.turn) await letters.settled(message);
    },
    operation: (operation) => operations.write(operation),
    bye() {
      letters.close();
      return Promise.resolve();
    },
    close: () => letters.close(),
  };
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** An old host names the conversation by the id that the agent gave it, or has none yet. */
function agentStart(start: OldStartWord): AgentStart {
  const known = start.sessionId !== null && UUID.test(start.sessionId);
  return {
    protocol: 0,
    agent: { slug: start.agentSlug, name: start.agentName },
    conversation: { id: known ? start.sessionId : randomUUID(), resume: known },
    unsettled: [],
    config: {},
    secrets: start.secrets,
  };
}
