import type { Instant, RunId } from "../ids.ts";
import type { MeterMark } from "../ports/gateway.ts";
import type { Event } from "./event.ts";

/** The gateway saw a request to the model and what it cost, whatever the agent says of it. */
export type ModelUsageRecorded = Event<
  "ModelUsageRecorded",
  {
    readonly runId: RunId;
    /** When the request ended. */
    readonly at: Instant;
    /** As the request named it; null where nobody can tell. */
    readonly model: string | null;
    readonly inputTokens: number;
    readonly outputTokens: number;
    readonly cacheReadTokens: number;
    readonly cacheWriteTokens: number;
    /** US dollars of this request; null where the gateway has no prices. */
    readonly costUsd: number | null;
    /** The answer broke off before the model said what it cost: part of this is a guess. */
    readonly estimated: boolean;
    readonly reading: MeterMark;
  }
>;

/** The gateway refused requests of a run, all for one reason. */
export type GatewayRequestRefused = Event<
  "GatewayRequestRefused",
  {
    readonly runId: RunId;
    readonly at: Instant;
    readonly reason: string;
    readonly model: string | null;
    readonly count: number;
    readonly reading: MeterMark;
  }
>;

/** Events about what the gateway saw. */
export type MeterEvent = ModelUsageRecorded | GatewayRequestRefused;
