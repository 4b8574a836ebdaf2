import { systemClock } from "../../runtime/system-clock.ts";
import type { TurnError } from "../../ports/agent-word.ts";
import type { Clock } from "../../ports/clock.ts";
import type {
  Attachment,
  Gateway,
  MeterOptions,
  MeterReading,
  MeteredSession,
  SpendingTerms,
} from "../../ports/gateway.ts";
import type { RunPlan } from "../../ports/run-plan.ts";
import { Bell } from "./bell.ts";
import { FakeBooks, type NewReading } from "./fake-books.ts";

/** How a fake gateway judges. */
export interface FakeGatewayOptions {
  /** The models that may be asked for. Default: any. */
  readonly models?: readonly string[];
  /** What a token of any kind costs, in US dollars. Default: requests without a cost have none. */
  readonly usdPerToken?: number;
  /** What each session may cost over all its runs, besides its own cap. Default: no cap. */
  readonly budget?: { readonly tokens?: number; readonly usd?: number };
  /** Default: the machine's. */
  readonly clock?: Clock;
}

/** What a fake agent asks of the model, and what that costs. */
export interface FakeModelRequest {
  readonly model: string | null;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cacheReadTokens: number;
  readonly cacheWriteTokens: number;
  /** US dollars; null for what the gateway's price says. */
  readonly costUsd: number | null;
}

/** What became of a request: `unreachable` where the run has no way. */
export type FakeModelAnswer =
  | "answered"
  | "unreachable"
  | { readonly refused: "budget-spent" | "model-not-allowed" };

/** The variable by which a fake run finds its way. */
const VARIABLE = "FAKE_GATEWAY_WAY";

/**
 * The gateway of a fake world, with its books in memory. It lives beside the orchestrator: what it
 * keeps is there whoever dies.
 */
export class FakeGateway {
  /** Everything that runs asked for, in order. */
  readonly asked: {
    readonly sessionId: string;
    readonly runId: string;
    readonly request: FakeModelRequest;
    readonly answer: FakeModelAnswer;
  }[] = [];
  readonly #options: FakeGatewayOptions;
  readonly #clock: Clock;
  readonly #books = new Map<string, FakeBooks>();
  readonly #ways = new Map<string, { readonly plan: RunPlan; readonly terms: SpendingTerms }>();
  /** Rings at every reading. */
  readonly #bell = new Bell();
  #ledgers = 0;

  constructor(options: FakeGatewayOptions = {}) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock();
  }

  /** The runs that have a way now, by id. */
  get attached(): readonly string[] {
    return [...this.#ways.values()].map(({ plan }) => plan.runId);
  }

  /** The sessions of which books are kept. */
  get sessions(): readonly MeteredSession[] {
    return [...this.#books.keys()].map(sessionOf);
  }

  /** A gateway for one orchestrator: each that is asked for is another process's. */
  gateway(): Gateway {
    const closing = new AbortController();
    return {
      check: async () => {},
      attach: async (plan, terms) => this.#attach(plan, terms),
      readings: (session, options) => {
        const signal = AbortSignal.any([options.signal, closing.signal]);
        return this.#readings(session, { ...options, signal });
      },
      detach: async (run) => void this.#ways.delete(wayOf(run)),
      erase: async (session) => {
        for (const [way, { plan }] of this.#ways)
          if (keyOf(plan) === keyOf(session)) this.#ways.delete(way);
        this.#books.delete(keyOf(session));
      },
      tidy: async (owner, hasEnded) => this.#tidy(owner, hasEnded),
      close: async () => closing.abort(),
    };
  }

  /** A run with this environment asks the model for something. */
  ask(env: RunPlan["env"], request: FakeModelRequest): FakeModelAnswer {
    const way = this.#ways.get(String(env[VARIABLE]));
    if (way === undefined) return "unreachable";
    const answer = this.#judge(way.plan, way.terms, request);
    const { sessionId, runId } = way.plan;
    this.asked.push({ sessionId, runId, request, answer });
    const about = { runId, at: this.#clock.now(), model: request.model };
    if (typeof answer === "object") {
      this.write(way.plan, { type: "refused", ...about, reason: answer.refused, count: 1 });
    } else {
      const costUsd = this.#costOf(request);
      this.write(way.plan, { type: "usage", ...about, ...request, costUsd, estimated: false });
    }
    return answer;
  }

  /** Writes a reading of your own making into a session's books. */
  write(session: MeteredSession, reading: NewReading): void {
    this.#open(session).write(reading);
    this.#bell.ring();
  }

  #attach(plan: RunPlan, terms: SpendingTerms | undefined): Attachment {
    const before = this.#ways.get(wayOf(plan))?.terms;
    const held = terms ?? before ?? { capUsd: null, spentUsd: 0, spentTokens: 0 };
    this.#open(plan).raise({ tokens: held.spentTokens, usd: held.spentUsd });
    this.#ways.set(wayOf(plan), { plan, terms: held });
    return { folders: [], env: { [VARIABLE]: wayOf(plan) } };
  }

  #judge(plan: RunPlan, { capUsd }: SpendingTerms, { model }: FakeModelRequest): FakeModelAnswer {
    const { models, budget = {} } = this.#options;
    const { tokens, usd } = this.#open(plan).spent;
    const cap = Math.min(capUsd ?? Infinity, budget.usd ?? Infinity);
    if (usd >= cap || tokens >= (budget.tokens ?? Infinity)) return { refused: "budget-spent" };
    const isAllowed = models === undefined || (model !== null && models.includes(model));
    return isAllowed ? "answered" : { refused: "model-not-allowed" };
  }

  #costOf(request: FakeModelRequest): number | null {
    const { usdPerToken } = this.#options;
    const { inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens } = request;
    if (request.costUsd !== null || usdPerToken === undefined) return request.costUsd;
    return (inputTokens + outputTokens + cacheReadTokens + cacheWriteTokens) * usdPerToken;
  }

  async *#readings(
    session: MeteredSession,
    { after, follow, signal }: MeterOptions,
  ): AsyncGenerator<readonly MeterReading[]> {
    const marks: Record<string, number> = { ...after };
    while (!signal.aborted) {
      // Looked for each time, and never made: they may be gone meanwhile, or only come.
      const books = this.#books.get(keyOf(session));
      const readings = books?.take(marks[books.id] ?? 0) ?? [];
      if (readings.length > 0) {
        yield readings;
        for (const { mark } of readings) marks[mark.ledger] = mark.seq;
      } else if (follow) {
        await this.#bell.next(signal);
      } else return;
    }
  }

  #tidy(owner: string, hasEnded: (session: string) => boolean): void {
    const attached = new Set([...this.#ways.values()].map(({ plan }) => keyOf(plan)));
    for (const [key, books] of this.#books) {
      const of = sessionOf(key);
      const isNeeded = attached.has(key) || !books.isSettled;
      if (of.owner === owner && !isNeeded && hasEnded(of.sessionId)) this.#books.delete(key);
    }
  }

  #open(session: MeteredSession): FakeBooks {
    const key = keyOf(session);
    const known = this.#books.get(key);
    if (known !== undefined) return known;
    const books = new FakeBooks(`ledger-${(this.#ledgers += 1)}`);
    this.#books.set(key, books);
    return books;
  }
}

/** A gateway that keeps its books in memory, for `fakeWorld`. */
export function fakeGateway(options: FakeGatewayOptions = {}): FakeGateway {
  return new FakeGateway(options);
}

/** How a turn ends whose request was not answered, as a real agent's does; null where it goes on. */
export function refusedTurn(
  answer: FakeModelAnswer,
): { readonly outcome: "exhausted" | "failed"; readonly error: TurnError } | null {
  if (answer === "answered") return null;
  if (answer === "unreachable") {
    const message = "The run has no way to a model: give the world a gateway.";
    return { outcome: "failed", error: { code: "MODEL_UNREACHABLE", message, class: "transient" } };
  }
  const message = `The gateway refused the request: ${answer.refused}.`;
  return answer.refused === "budget-spent"
    ? { outcome: "exhausted", error: { code: "BUDGET_SPENT", message } }
    : { outcome: "failed", error: { code: "MODEL_UNAUTHORIZED", message, class: "permanent" } };
}

function keyOf({ owner, sessionId }: MeteredSession): string {
  return JSON.stringify([owner, sessionId]);
}

function sessionOf(key: string): MeteredSession {
  const [owner, sessionId] = JSON.parse(key) as [string, string];
  return { owner, sessionId };
}

function wayOf({ sessionId, runId }: { sessionId: string; runId: string }): string {
  return JSON.stringify([sessionId, runId]);
}
