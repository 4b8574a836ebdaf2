import type { Attributes, Counter, Histogram, Meter } from "@opentelemetry/api";
import type { Instant } from "../ids.ts";
import type { SessionRecord } from "../runtime/session-record.ts";
import type { Session } from "../session/state.ts";
import { agentAttributes } from "./attributes.ts";

/** How long a thing took, in seconds: from a call to the model up to a day of work. */
const secondsBuckets = [
  0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1_800, 3_600,
  14_400, 86_400,
];
const tokenBuckets = [
  1, 4, 16, 64, 256, 1_024, 4_096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216,
  67_108_864,
];

/** The metrics, made of a session's events. Durations are between recorded instants. */
export class Measures {
  readonly #tokens: Histogram;
  readonly #turns: Histogram;
  readonly #operations: Histogram;
  readonly #waits: Histogram;
  readonly #starts: Histogram;
  readonly #cost: Counter;
  readonly #retries: Counter;
  readonly #stops: Counter;
  readonly #parks: Counter;
  /** When what is under way began: messages, operations and runs. */
  readonly #since = new Map<string, Instant>();

  constructor(meter: Meter) {
    const seconds = (name: string, description: string): Histogram =>
      meter.createHistogram(name, {
        description,
        unit: "s",
        advice: { explicitBucketBoundaries: secondsBuckets },
      });
    this.#tokens = meter.createHistogram("gen_ai.client.token.usage", {
      description: "Tokens that a turn used.",
      unit: "{token}",
      advice: { explicitBucketBoundaries: tokenBuckets },
    });
    this.#turns = seconds("gen_ai.invoke_agent.duration", "From a turn's start to its end.");
    this.#operations = seconds(
      "gen_ai.execute_tool.duration",
      "From the agent's request to its end at the board.",
    );
    this.#waits = seconds("waybill.message.wait", "From a message's queueing to its turn.");
    this.#starts = seconds("waybill.run.start", "From a run's request to the agent's hello.");
    this.#cost = meter.createCounter("waybill.cost", {
      description: "What sessions cost.",
      unit: "{USD}",
    });
    this.#retries = meter.createCounter("waybill.retries", {
      description: "What failed and is tried again.",
      unit: "{retry}",
    });
    this.#stops = meter.createCounter("waybill.run.stops", {
      description: "Runs that were asked to end, by reason: each deadline is one.",
      unit: "{stop}",
    });
    this.#parks = meter.createCounter("waybill.session.parks", {
      description: "Sessions that start no run until something changes.",
      unit: "{park}",
    });
  }

  /**
   * Takes in an event.
   *
   * @param live false for one of the past, which an earlier life has counted.
   */
  take(event: SessionRecord, before: Session, after: Session, live: boolean): void {
    const agent = agentAttributes(after);
    const { now } = after;
    const cost = after.totals.costUsd - before.totals.costUsd;
    if (live && cost > 0) this.#cost.add(cost, agent);
    switch (event.type) {
      case "MessageQueued":
        this.#since.set(`message ${event.data.messageId}`, now);
        return;
      case "MessageAccepted":
        this.#lasted(`message ${event.data.messageId}`, now, live ? this.#waits : null, agent);
        return;
      case "MessageDiscarded":
        this.#since.delete(`message ${event.data.messageId}`);
        return;
      case "RunRequested":
        this.#since.set(`run ${event.data.runId}`, now);
        return;
      case "AgentReady":
        this.#lasted(`run ${event.data.runId}`, now, live ? this.#starts : null, agent);
        return;
      case "RunDrained":
        this.#since.delete(`run ${event.data.runId}`);
        return;
      case "TurnStarted":
        this.#since.set(`turn ${after.id}`, now);
        return;
      case "TurnEnded": {
        const { outcome, usage, error } = event.data;
        const failed = error === null ? {} : { "error.type": error.code };
        const attributes = { ...agent, "waybill.outcome": outcome, ...failed };
        this.#lasted(`turn ${after.id}`, now, live ? this.#turns : null, attributes);
        if (!live || usage === null) return;
        const input = usage.inputTokens + usage.cacheReadTokens + usage.cacheWriteTokens;
        this.#tokens.record(input, { ...agent, "gen_ai.token.type": "input" });
        this.#tokens.record(usage.outputTokens, { ...agent, "gen_ai.token.type": "output" });
        return;
      }
      case "OperationRequested":
      case "OperationRedriven":
      case "WordRedriven":
        this.#since.set(`operation ${event.data.operationId}`, now);
        return;
      case "OperationDelivered":
      case "OperationRejected":
      case "OperationAbandoned":
      case "ApprovalDenied":
      case "PersonAnswered":
      case "ApprovalWithdrawn":
        this.#lasted(`operation ${event.data.operationId}`, now, live ? this.#operations : null, {
          ...agent,
          "waybill.outcome": outcomeOf[event.type],
        });
        return;
      case "OperationDeferred":
      case "OperationInDoubt":
        if (live) this.#retries.add(1, retried(agent, "operation", event.data.failure));
        return;
      case "EffectDeferred":
        if (live) this.#retries.add(1, retried(agent, "effect", event.data.failure));
        return;
      case "RestartScheduled":
        if (live)
          this.#retries.add(1, {
            ...agent,
            "waybill.what": "run",
            "error.type": event.data.reason,
          });
        return;
      case "RunStopRequested":
        if (live) this.#stops.add(1, { ...agent, "waybill.reason": event.data.reason });
        return;
      case "SessionParked":
        if (live) this.#parks.add(1, { ...agent, "waybill.reason": event.data.reason });
        break;
      default:
    }
  }

  #lasted(key: string, now: Instant, histogram: Histogram | null, attributes: Attributes): void {
    const since = this.#since.get(key);
    this.#since.delete(key);
    if (since !== undefined) histogram?.record((now - since) / 1_000, attributes);
  }
}

const outcomeOf = {
  OperationDelivered: "delivered",
  OperationRejected: "rejected",
  OperationAbandoned: "abandoned",
  ApprovalDenied: "denied",
  PersonAnswered: "answered",
  ApprovalWithdrawn: "withdrawn",
} as const;

function retried(
  agent: Attributes,
  what: string,
  failure: { readonly class: string; readonly code: string },
): Attributes {
  return {
    ...agent,
    "waybill.what": what,
    "waybill.class": failure.class,
    "error.type": failure.code,
  };
}
