import { WaybillError } from "@waybill/core";
import type {
  Logger,
  Receipt,
  SubscribeOptions,
  TellingTracker,
  TrackerCall,
  TrackerCapabilities,
  TrackerEvent,
} from "@waybill/core";
import { checkTracker } from "./check-tracker.ts";
import { follow } from "./events/follow.ts";
import type { FollowOptions } from "./events/follow.ts";
import { httpClient } from "./http-client.ts";
import { settleConflict } from "./key-conflict.ts";
import { lookUp } from "./look-up.ts";
import { receiptOf } from "./receipt.ts";
import { refusal } from "./refusal.ts";
import { tokenReader } from "./token-source.ts";
import type { TokenSource } from "./token-source.ts";
import { trackerRequest } from "./tracker-request.ts";
import { trackerUrl } from "./tracker-url.ts";

/** How to reach a team board over HTTP. */
export interface HttpTrackerOptions {
  /** The board's base address, for example `http://localhost:8100`; it may have a path. */
  readonly url: string | URL;
  /** The Bearer token, a function that gives it (rotation), or a file that holds it. */
  readonly token: TokenSource;
  /** For one whole call, up to the last byte of its answer, in milliseconds. Default: 10,000. */
  readonly timeoutMs?: number;
  /** Whether the board does a write once per Idempotency-Key. Default: true. `check` verifies it. */
  readonly idempotencyKeys?: boolean;
  /** How long the board remembers a key, in milliseconds. Default: null, as long as it exists. */
  readonly keysKeptMs?: number | null;
  /**
   * Whether messages and comments carry `client_id`, by which a look-up finds them. Default: true.
   * False for an old board that refuses fields it does not know.
   */
  readonly clientIds?: boolean;
  /** The largest answer that is read, in bytes. Default: 4 MiB. */
  readonly maxResponseBytes?: number;
  /** How its events are followed. */
  readonly events?: FollowOptions;
  /** Gets one `debug` line per call. Default: none. */
  readonly logger?: Logger;
}

/**
 * A team board over HTTP. Nothing is retried here: every failure says by its `class` what a retry
 * can do, and the orchestrator records and does it. Throws `TRACKER_URL_INVALID` and
 * `TRACKER_TOKEN_INVALID` at once; whether the board is there, `check` tells.
 */
export function httpTracker(options: HttpTrackerOptions): TellingTracker {
  const url = trackerUrl(options.url);
  const token = tokenReader(options.token);
  const { logger } = options;
  const maxResponseBytes = positive(
    "maxResponseBytes",
    options.maxResponseBytes ?? 4 * 1024 * 1024,
  );
  const timeoutMs = positive("timeoutMs", options.timeoutMs ?? 10_000);
  const client = httpClient({ url, token, timeoutMs, maxResponseBytes, logger });
  const events = followOptions(options.events ?? {});
  const closing = new AbortController();
  const capabilities: TrackerCapabilities = {
    idempotencyKeys: options.idempotencyKeys ?? true,
    keysKeptMs: options.keysKeptMs ?? null,
  };
  // A key that is forgotten some day does not make every repeat harmless.
  const lasting = capabilities.idempotencyKeys && capabilities.keysKeptMs === null;
  const context = { url, keys: lasting };
  const inFlight = new Set<Promise<unknown>>();
  let closed = false;

  // `close` waits for what is in flight, so each call is kept until it ends.
  const tracked = <T>(call: () => Promise<T>): Promise<T> => {
    if (closed) {
      return Promise.reject(closedError(url));
    }
    const flight = call();
    inFlight.add(flight);
    return flight.finally(() => inFlight.delete(flight));
  };

  const perform = async (call: TrackerCall): Promise<Receipt> => {
    const request = trackerRequest(call, options.clientIds ?? true);
    const answer = await client(request, call.signal);
    if (answer.status >= 200 && answer.status < 300) {
      return receiptOf(call.operation, answer, request, url);
    }
    if (answer.status === 409 && request.key !== undefined) {
      return settleConflict(client, call, answer, request, context);
    }
    throw refusal(answer, request, context);
  };

  async function* subscribe({
    after,
    signal,
  }: SubscribeOptions): AsyncGenerator<TrackerEvent, void, undefined> {
    if (closed) {
      throw closedError(url);
    }
    const parts = { url, token, client, maxResponseBytes, logger, options: events };
    yield* follow(parts, { after, signal: AbortSignal.any([signal, closing.signal]) });
  }

  return {
    capabilities,
    subscribe,
    check: (signal) => tracked(() => checkTracker(client, url, capabilities, signal)),
    perform: (call) => tracked(() => perform(call)),
    lookup: (call) => tracked(() => lookUp(client, call, context)),
    close: async () => {
      closed = true;
      closing.abort();
      await Promise.allSettled(inFlight);
    },
  };
}

function followOptions(given: FollowOptions): Required<FollowOptions> {
  return {
    socket: given.socket ?? true,
    pollMs: positive("events.pollMs", given.pollMs ?? 2_000),
    silenceMs: positive("events.silenceMs", given.silenceMs ?? 30_000),
    reconnectMs: positive("events.reconnectMs", given.reconnectMs ?? 250),
    reconnectCapMs: positive("events.reconnectCapMs", given.reconnectCapMs ?? 30_000),
  };
}

function positive(name: string, value: number): number {
  if (!Number.isInteger(value) || value < 1 || value > 2_147_483_647) {
    throw new TypeError(
      `${name} must be a whole number from 1 to 2147483647, not ${String(value)}.`,
    );
  }
  return value;
}

function closedError(url: string): WaybillError {
  return new WaybillError(
    "TRACKER_CLOSED",
    `The client of the Tracker at ${url} was closed: nothing was sent. Make a new one with httpTracker.`,
    { class: "transient", details: { url } },
  );
}
