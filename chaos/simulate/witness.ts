import type {
  EventStore,
  Letter,
  OrchestratorOptions,
  RunHandle,
  SessionEvent,
  SessionId,
  TrackerCall,
  Transport,
} from "@waybill/core";

/**
 * The same options, with a witness at each call that changes the world: what it follows from must be
 * in the log when the orchestrator makes it, whatever becomes of the call on its way.
 */
export function witnessed(
  options: OrchestratorOptions,
  store: EventStore,
  tell: (problem: string) => void,
): OrchestratorOptions {
  const book = new Facts(store);
  const need = async (session: SessionId, what: string, ...facts: string[]): Promise<void> => {
    const known = await book.of(session);
    if (!facts.some((fact) => known.has(fact))) tell(`${what} before that was recorded`);
  };
  /** Runs that no log knows are ended by a sweep, and need no event. */
  const needOfRun = async (run: RunHandle, what: string, ...facts: string[]): Promise<void> => {
    const known = await book.of(run.sessionId);
    if (known.has(`run ${run.runId}`)) await need(run.sessionId, `${run.runId} ${what}`, ...facts);
  };
  const transports = new Map<Transport, Transport>();
  const transportOf = (transport: Transport): Transport => {
    const known = transports.get(transport);
    if (known !== undefined) return known;
    const watched = after(transport, {
      start: (run: RunHandle) => need(run.sessionId, `${run.runId} started`, `run ${run.runId}`),
      stop: (run: RunHandle) =>
        needOfRun(run, "was stopped", `stop ${run.runId}`, `over ${run.runId}`),
      remove: (run: RunHandle) => needOfRun(run, "was removed", `drained ${run.runId}`),
    });
    transports.set(transport, watched);
    return watched;
  };
  const perform = ({ key }: TrackerCall): Promise<void> =>
    need(sessionOf(key), `${key} was tried`, `attempt ${key}`);
  return {
    ...options,
    mailbox: after(options.mailbox, {
      put: (run: RunHandle, letter: Letter) =>
        need(run.sessionId, `${run.runId} got its ${letter.type}`, causeOf(run, letter)),
      remove: (run: RunHandle) => needOfRun(run, "was forgotten", `drained ${run.runId}`),
    }),
    ...(options.tracker === undefined
      ? {}
      : { tracker: after(options.tracker, { perform, lookup: perform }) }),
    agents: Object.fromEntries(
      Object.entries(options.agents).map(([slug, agent]) => [
        slug,
        { ...agent, transport: transportOf(agent.transport) },
      ]),
    ),
  };
}

/** What each session's log has said so far. */
class Facts {
  readonly #store: EventStore;
  readonly #known = new Map<SessionId, { version: number; readonly facts: Set<string> }>();

  constructor(store: EventStore) {
    this.#store = store;
  }

  async of(session: SessionId): Promise<ReadonlySet<string>> {
    const known = this.#known.get(session) ?? { version: 0, facts: new Set<string>() };
    this.#known.set(session, known);
    for await (const page of this.#store.read(session, { from: known.version + 1 })) {
      for (const stored of page) {
        const fact = factOf(stored as unknown as SessionEvent);
        if (fact !== null) known.facts.add(fact);
        known.version = Math.max(known.version, stored.version);
      }
    }
    return known.facts;
  }
}

/** What an event allows to be done. */
function factOf({ type, data }: SessionEvent): string | null {
  switch (type) {
    case "RunRequested":
      return `run ${data.runId}`;
    case "RunStopRequested":
    case "RunStartFailed":
      return `stop ${data.runId}`;
    case "RunExited":
    case "RunLost":
      return `over ${data.runId}`;
    case "RunDrained":
      return `drained ${data.runId}`;
    case "MessageQueued":
    case "ContinuationQueued":
      return `message ${data.messageId}`;
    case "InterruptRequested":
      return `interrupt ${data.runId} ${data.turnId}`;
    case "OperationAttempted":
    case "OperationInDoubt":
      return `attempt ${data.operationId}`;
    case "OperationDelivered":
    case "OperationRejected":
    case "OperationAbandoned":
    case "ApprovalDenied":
    case "ApprovalWithdrawn":
    case "PersonAnswered":
      return `end ${data.operationId}`;
    default:
      return null;
  }
}

/** What a letter follows from. */
function causeOf({ sessionId, runId }: RunHandle, letter: Letter): string {
  switch (letter.type) {
    case "message":
      return `message ${letter.id}`;
    case "answer":
      return `end ${sessionId}/${runId}/${letter.re}`;
    case "interrupt":
      return `interrupt ${runId} ${letter.turn}`;
    case "close":
      return `stop ${runId}`;
    default:
      return letter satisfies never;
  }
}

function sessionOf(operationId: string): SessionId {
  return operationId.split("/")[0] ?? "";
}

/** The same part, whose methods of these names are called after something else. */
function after<Part extends object>(
  part: Part,
  first: Readonly<Record<string, (...values: never[]) => Promise<void>>>,
): Part {
  return new Proxy(part, {
    get(target, property, receiver) {
      const value: unknown = Reflect.get(target, property, receiver);
      const before = Object.hasOwn(first, property) ? first[String(property)] : undefined;
      if (typeof value !== "function" || before === undefined) return value;
      return async (...values: never[]): Promise<unknown> => {
        await before(...values);
        return Reflect.apply(value, target, values);
      };
    },
  });
}
