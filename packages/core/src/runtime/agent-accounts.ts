import {
  agentSchemas,
  agentStream,
  type AgentEvent,
  type AgentSpent,
} from "../agents/agent-events.ts";
import {
  evolveAccount,
  isOverdrawn,
  newAccount,
  orderFor,
  spent,
  type AgentAccount,
} from "../agents/agent-account.ts";
import { WaybillError } from "../errors.ts";
import type { AgentSlug, SessionId } from "../ids.ts";
import type { Clock } from "../ports/clock.ts";
import type { EventStore, StoredEvent } from "../ports/event-store.ts";
import type { Ids } from "../ports/ids.ts";
import type { Logger } from "../ports/logger.ts";
import type { Session } from "../session/state.ts";
import type { SessionLoop } from "./session-loop.ts";

/** What an agent may cost and has cost, over all its sessions, in US dollars. */
export interface AgentBudget {
  /** Null for no cap. */
  readonly capUsd: number | null;
  /** Counted from when the agent first had a cap; sessions that were open then count whole. */
  readonly spentUsd: number;
  /** Nothing is handed over to its sessions until the cap is raised. */
  readonly exceeded: boolean;
}

/** What accounts are kept with. */
export interface AccountsParts {
  readonly store: EventStore;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly logger: Logger;
  /** Whether the agent may go on has changed: its sessions may have to be told. */
  readonly changed: (slug: AgentSlug) => void;
}

/** The accounts of agents in this process: read from the log, kept up by whoever owns a session. */
export class AgentAccounts {
  readonly #parts: AccountsParts;
  readonly #accounts = new Map<AgentSlug, AgentAccount>();
  /** Figures that were noted here and not heard back from the log yet. */
  readonly #noted = new Map<SessionId, number>();

  constructor(parts: AccountsParts) {
    this.#parts = parts;
  }

  /** Reads the agent's stream, and records the cap that the options name where it is another than last time. */
  async load(slug: AgentSlug, optionUsd: number | null | undefined): Promise<void> {
    await this.#read(slug);
    if (optionUsd === undefined || optionUsd === this.of(slug).optionUsd) return;
    await this.#append(slug, {
      type: "AgentBudgetSet",
      data: { capUsd: optionUsd, by: "options" },
    });
    await this.#read(slug);
  }

  /** The agent's account, as far as it is known here. */
  of(slug: AgentSlug): AgentAccount {
    return this.#accounts.get(slug) ?? newAccount();
  }

  /** What the agent may cost and has cost. */
  budget(slug: AgentSlug): AgentBudget {
    const account = this.of(slug);
    const { capUsd, spentUsd } = account;
    return { capUsd, spentUsd, exceeded: isOverdrawn(account) };
  }

  /** Sets the cap. Throws `BUDGET_TOO_LOW` where it is spent already. */
  async raise(slug: AgentSlug, capUsd: number | null): Promise<void> {
    await this.#read(slug);
    const account = this.of(slug);
    if (capUsd !== null && !(capUsd > account.spentUsd)) {
      throw new WaybillError(
        "BUDGET_TOO_LOW",
        `Agent "${slug}" has cost $${account.spentUsd}; a cap of $${capUsd} would stop it at once. Give more, or null for no cap.`,
        { details: { agent: slug, spentUsd: account.spentUsd, capUsd } },
      );
    }
    if (capUsd === account.capUsd) return;
    await this.#append(slug, { type: "AgentBudgetSet", data: { capUsd, by: "api" } });
    await this.#read(slug);
  }

  /** Takes in an event of the log, whoever appended it. */
  take(stored: StoredEvent): void {
    if (!stored.stream.startsWith(agentStream(""))) return;
    const slug = stored.stream.slice(agentStream("").length);
    const before = this.of(slug);
    const event = fromStored(stored);
    const account = this.#isOld(event)
      ? { ...before, version: Math.max(before.version, stored.version) }
      : evolveAccount(before, event, stored.version);
    if (account !== before) this.#set(slug, before, account);
  }

  /**
   * Notes what a session that is owned here has cost, and holds or releases it as the account says.
   * The cost counts here at once; that it is in the log is seen to by every owner that finds it
   * missing there, so nothing has to be remembered.
   */
  keep(loop: Pick<SessionLoop, "state" | "report">): void {
    this.#note(loop.state);
    const order = orderFor(this.of(loop.state.agent.slug), loop.state);
    if (order === null) return;
    // Who has let go meanwhile leaves it to the next owner, who finds the same.
    loop.report(order).catch((error: unknown) => {
      const details = { session: loop.state.id, error: String(error) };
      this.#parts.logger.debug("A session was not told of its agent's account.", details);
    });
  }

  /** A figure from before the one that was noted here, on its way back. */
  #isOld(event: AgentEvent): boolean {
    if (event.type !== "AgentSpent") return false;
    const { sessionId, costUsd } = event.data;
    const noted = this.#noted.get(sessionId);
    if (noted === costUsd) this.#noted.delete(sessionId);
    return noted !== undefined && noted !== costUsd;
  }

  #note({ id, agent: { slug }, version, totals: { costUsd } }: Session): void {
    const account = this.#accounts.get(slug);
    if (account === undefined || account.version === 0) return; // it never had a cap
    const after = spent(account, id, costUsd);
    if (after === account) return;
    const event: AgentSpent = { type: "AgentSpent", data: { sessionId: id, costUsd } };
    this.#noted.set(id, costUsd);
    // The same id for whoever else notes the same.
    this.#append(slug, event, `${agentStream(slug)}/${id}/${version}`).catch((error: unknown) => {
      this.#noted.delete(id);
      this.#parts.logger.warn("A session's cost could not be noted in its agent's account.", {
        session: id,
        error: String(error),
      });
    });
    this.#set(slug, account, after);
  }

  #set(slug: AgentSlug, before: AgentAccount, after: AgentAccount): void {
    this.#accounts.set(slug, after);
    const isNews = before.capUsd !== after.capUsd || isOverdrawn(before) !== isOverdrawn(after);
    if (isNews) this.#parts.changed(slug);
  }

  async #read(slug: AgentSlug): Promise<void> {
    const from = this.of(slug).version + 1;
    for await (const page of this.#parts.store.read(agentStream(slug), { from }))
      for (const stored of page) this.take(stored);
  }

  async #append(slug: AgentSlug, event: AgentEvent, id = this.#parts.ids.uuid()): Promise<void> {
    const { store, clock } = this.#parts;
    await store.append(agentStream(slug), "any", [
      {
        id,
        type: event.type,
        data: event.data,
        schema: agentSchemas[event.type],
        recordedAt: clock.now(),
        causation: null,
        mustUnderstand: true,
      },
    ]);
  }
}

function fromStored(stored: StoredEvent): AgentEvent {
  const known = (agentSchemas as Readonly<Record<string, number | undefined>>)[stored.type];
  if (known === stored.schema) return stored as unknown as AgentEvent;
  throw new WaybillError(
    "EVENT_UNKNOWN",
    `The stream ${stored.stream} holds a ${stored.type} of schema ${stored.schema}, which this release does not know. Use the release that wrote it, or a later one.`,
    { details: { type: stored.type, schema: stored.schema } },
  );
}
