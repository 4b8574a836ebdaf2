import type { AgentSlug, OperationId, SessionId } from "../ids.ts";
import type { AgentOperation } from "../ports/agent-operation.ts";
import type { Logger } from "../ports/logger.ts";
import { askedOfPeople } from "../session/status.ts";
import type { SessionLoop } from "./session-loop.ts";

/** Something that an agent may do only once somebody allows it. */
export interface ApprovalAsked {
  readonly session: SessionId;
  readonly agent: AgentSlug;
  readonly tenant: string | null;
  readonly operationId: OperationId;
  readonly operation: AgentOperation;
}

/** What a policy says: yes, no with a reason that the agent is told, or null for a person to decide. */
export type Judgement =
  | { readonly granted: true }
  | { readonly granted: false; readonly reason: string };

/** Decides in a person's stead. Asked again after a restart; the first decision that is recorded counts. */
export type ApprovalPolicy = (asked: ApprovalAsked) => Promise<Judgement | null> | Judgement | null;

/** Puts what waits in sessions that are owned here before the policy, each thing once in this process. */
export class Approver {
  readonly #policy: ApprovalPolicy | undefined;
  readonly #logger: Logger;
  readonly #asked = new Map<SessionId, ReadonlySet<OperationId>>();

  constructor(policy: ApprovalPolicy | undefined, logger: Logger) {
    this.#policy = policy;
    this.#logger = logger;
  }

  /** Looks at what waits now; what was asked before is not asked again. */
  keep(loop: SessionLoop): void {
    const { id, state } = loop;
    const before = this.#asked.get(id);
    if (this.#policy === undefined || (state.approvals.size === 0 && before === undefined)) return;
    const waiting = askedOfPeople(state);
    for (const { operation } of waiting) {
      // A question has an answer, not a yes.
      if (operation.operation.type === "person.ask" || before?.has(operation.id) === true) continue;
      void this.#judge(this.#policy, loop, operation);
    }
    if (state.approvals.size === 0) this.#asked.delete(id);
    else this.#asked.set(id, new Set(waiting.map(({ operation }) => operation.id)));
  }

  async #judge(
    policy: ApprovalPolicy,
    loop: SessionLoop,
    {
      id: operationId,
      operation,
    }: { readonly id: OperationId; readonly operation: AgentOperation },
  ): Promise<void> {
    const { agent, tenant } = loop.state;
    try {
      const asked = { session: loop.id, agent: agent.slug, tenant, operationId, operation };
      const judgement = await policy(asked);
      if (judgement === null) return;
      const { granted } = judgement;
      const reason = granted ? "" : judgement.reason;
      await loop.submit({ type: "DecideApproval", operationId, granted, by: "policy", reason });
    } catch (error) {
      // It waits for a person, and for its deadline.
      const details = { session: loop.id, operation: operationId, error: String(error) };
      this.#logger.error("The approval policy threw.", details);
    }
  }
}
