import {
  metrics,
  trace,
  type Meter,
  type ObservableGauge,
  type ObservableResult,
  type Tracer,
} from "@opentelemetry/api";
import type { SessionId } from "../ids.ts";
import type { Clock } from "../ports/clock.ts";
import type { Logger } from "../ports/logger.ts";
import { openView, type ReadableLog } from "../queries/open-view.ts";
import { recordOf, type SessionRecord } from "../runtime/session-record.ts";
import { evolve } from "../session/evolve.ts";
import type { Session } from "../session/state.ts";
import { unopened } from "../session/unopened.ts";
import { statusOf } from "../session/status.ts";
import { agentAttributes } from "./attributes.ts";
import { Measures } from "./measures.ts";
import { OpenSpans } from "./open-spans.ts";
import { traceEvent } from "./session-spans.ts";
import type { StableIds } from "./stable-ids.ts";

/** The name under which tracer and meter are asked for. */
const scope = "@waybill/core";

/** Of which log to make spans and metrics. */
export interface TelemetryOptions {
  /** An open log: the orchestrator's own store, or a reader of it in another process. */
  readonly log: ReadableLog;
  /**
   * The `position` that an earlier life of this recorder ended with: what had ended by then is not
   * told again, and what was open then goes on. Default: the end of the log as it is now; what is
   * open goes on.
   */
  readonly after?: string;
  /** Default: that of the global tracer provider. */
  readonly tracer?: Tracer;
  /** Default: that of the global meter provider. */
  readonly meter?: Meter;
  /** The generator that the tracer provider was made with. Default: it makes ids of its own. */
  readonly ids?: StableIds;
  /** Default: the machine's. */
  readonly clock?: Clock;
  /** Default: silent. */
  readonly logger?: Logger;
}

/** Something that makes spans and metrics of a log. Leaving its scope ends it. */
export interface TelemetryRecorder extends AsyncDisposable {
  /** The position of the last event that was told: `after` for the next life. */
  readonly position: string | undefined;
  /** Why it stands still, where the log holds what this release does not know; else null. */
  readonly failure: unknown;
  /** Stops. Spans that are open are left to the next life. */
  close(): Promise<void>;
}

/**
 * Makes OpenTelemetry spans and metrics of the log, through `@opentelemetry/api` alone: whatever SDK
 * the program has set up exports them. Throws `EVENT_UNKNOWN` for a log that a newer release wrote.
 */
export async function recordTelemetry(options: TelemetryOptions): Promise<TelemetryRecorder> {
  const { log, after, clock, logger } = options;
  const recorder = new Recorder(options);
  const position = await recorder.readPast(log, after);
  recorder.goLive();
  const view = await openView({
    log,
    projection: {
      initial: () => recorder,
      apply(state, event) {
        state.take(event);
        return state;
      },
    },
    from: { state: recorder, position },
    ...(clock === undefined ? {} : { clock }),
    ...(logger === undefined ? {} : { logger }),
  });
  const close = async (): Promise<void> => {
    recorder.stop();
    await view.close();
  };
  return {
    get position() {
      return view.position;
    },
    get failure() {
      return view.failure;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** Folds the sessions, as everything does, and tells spans and metrics what happened. */
class Recorder {
  readonly #spans: OpenSpans;
  readonly #measures: Measures;
  readonly #gauge: ObservableGauge;
  readonly #sessions = new Map<SessionId, Session>();
  #live = false;

  constructor({ tracer, meter, ids }: TelemetryOptions) {
    const measured = meter ?? metrics.getMeter(scope);
    this.#spans = new OpenSpans(tracer ?? trace.getTracer(scope), ids ?? null);
    this.#measures = new Measures(measured);
    this.#gauge = measured.createObservableGauge("waybill.sessions", {
      description: "Sessions that have not ended, by status.",
      unit: "{session}",
    });
  }

  /** Takes in what an earlier life told, and gives the position up to which that is. */
  async readPast(log: ReadableLog, after: string | undefined): Promise<string | undefined> {
    const news = after === undefined ? undefined : await firstAfter(log, after);
    let position: string | undefined;
    for await (const page of log.readAll()) {
      for (const stored of page) {
        if (stored.position === news) return position;
        const record = recordOf(stored);
        if (record !== null) this.take(record);
        position = stored.position;
      }
    }
    return position;
  }

  take(event: SessionRecord): void {
    const before = this.#sessions.get(event.stream) ?? unopened(event.stream);
    const after = evolve(before, event);
    this.#sessions.set(event.stream, after);
    traceEvent(this.#spans, event, before, after);
    this.#measures.take(event, before, after, this.#live);
  }

  goLive(): void {
    this.#live = true;
    this.#spans.goLive();
    this.#gauge.addCallback(this.#observe);
  }

  stop(): void {
    this.#gauge.removeCallback(this.#observe);
  }

  readonly #observe = (result: ObservableResult): void => {
    const counts = new Map<string, { count: number; session: Session }>();
    for (const session of this.#sessions.values()) {
      if (session.life.type === "ended") continue;
      const key = `${session.agent.slug} ${statusOf(session)}`;
      counts.set(key, { session, count: (counts.get(key)?.count ?? 0) + 1 });
    }
    for (const { count, session } of counts.values()) {
      result.observe(count, { ...agentAttributes(session), "waybill.status": statusOf(session) });
    }
  };
}

/** The position of the first event after a position; undefined where there is none yet. */
async function firstAfter(log: ReadableLog, after: string): Promise<string | undefined> {
  for await (const [first] of log.readAll({ after })) {
    if (first !== undefined) return first.position;
  }
  return undefined;
}
