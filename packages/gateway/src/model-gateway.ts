import { existsSync } from "node:fs";
import type { Gateway, Logger, RunPlan } from "@waybill/core";
import { credentialKind, readCredential } from "./credential-source.ts";
import type { ModelCredential } from "./credential-source.ts";
import { defaultGatewayRoot, prepareRoot, resolveRoot } from "./gateway-root.ts";
import { keepLink } from "./keep-link.ts";
import { quietLogger } from "./quiet-logger.ts";
import { DEFAULT_UPSTREAM, isClearText, upstreamAddress } from "./upstream-address.ts";
import { attachmentOf, wayOfRun } from "./way-of-run.ts";
import type { WayTerms } from "./way-of-run.ts";
import { wayFolder, wayRecord } from "./way-spec.ts";
import type { WayLimits } from "./way-spec.ts";

/** Options of `modelGateway`. */
export interface ModelGatewayOptions {
  /** The real credential. It goes to the gateway's process over a socket and nowhere else. */
  readonly credential: ModelCredential;
  /**
   * The folder of the process: its sockets, its state and its audit log. All gateways with the same
   * root share one process. At most 77 bytes on Linux, since a socket's address is short. Default:
   * `defaultGatewayRoot()`.
   */
  readonly root?: string;
  /** The model API's address. Default: `https://api.anthropic.com`. */
  readonly upstream?: string | URL;
  /** What runs may ask for, `METHOD /path` each, letter for letter. Default: `MODEL_PATHS`. */
  readonly allowedPaths?: readonly string[];
  /**
   * Bounds per run. Defaults: `bodyBytes` 32 MiB (the Messages API's own), `headerBytes` 16 KiB,
   * `requests` 32 in flight at once.
   */
  readonly limits?: Partial<WayLimits>;
  /** How long the process lives on without an attached run, in milliseconds. Default: 10 minutes. */
  readonly idleMs?: number;
  /** Default: silence. */
  readonly logger?: Logger;
}

/** All that the Claude Agent SDK asks of the model API (seen with 0.3.330: only the first two). */
export const MODEL_PATHS: readonly string[] = [
  "POST /v1/messages",
  "POST /v1/messages/count_tokens",
];

const LIMITS: WayLimits = { bodyBytes: 33_554_432, headerBytes: 16_384, requests: 32 };

/**
 * Gives runs a way to the model without giving them a key: a unix socket per run, served by one
 * host-side process per root that outlives us. Throws at once for options that cannot work:
 * `GATEWAY_ROOT_TOO_LONG`, `GATEWAY_UPSTREAM_INVALID`, or a `TypeError`.
 */
export function modelGateway(options: ModelGatewayOptions): Gateway {
  const { credential, idleMs = 600_000 } = options;
  const root = resolveRoot(options.root ?? defaultGatewayRoot());
  const terms = termsOf(options);
  const logger = quietLogger(options.logger);
  if (isClearText(terms.upstream)) {
    logger.warn(
      "The gateway's upstream is plain http: the credential crosses the network readable.",
    );
  }
  const attached = new Map<string, RunPlan>();

  const attachAll = async (plans: Iterable<RunPlan>): Promise<void> => {
    const secret = await readCredential(credential);
    const calls = [...plans]
      .filter(isAttached)
      .map((plan) => link.call({ call: "attach", way: wayOfRun(plan, terms), credential: secret }));
    await Promise.all(calls);
  };
  const isAttached = (run: Run): boolean => attached.has(keyOf(run));
  const link = keepLink({
    root,
    idleMs,
    logger,
    isNeeded: () => attached.size > 0,
    onReturn: () => attachAll(attached.values()),
  });

  return {
    async check(signal) {
      await prepareRoot(root);
      await link.ensure(signal);
      await attachAll(attached.values());
    },
    async attach(plan) {
      const isNew = !isAttached(plan);
      await prepareRoot(root);
      attached.set(keyOf(plan), plan);
      try {
        await attachAll([plan]);
      } catch (error) {
        if (isNew) attached.delete(keyOf(plan));
        throw error;
      }
      return attachmentOf(root, plan, credentialKind(credential));
    },
    async detach(run) {
      // A process is not started only to hear that it knows nothing of this run.
      const isKnown = attached.delete(keyOf(run)) || wayLeavesTraces(root, run);
      if (isKnown) await link.call({ call: "detach", ...idsOf(run) });
    },
    async close() {
      attached.clear();
      link.close();
    },
  };
}

type Run = Pick<RunPlan, "sessionId" | "runId">;

function keyOf(run: Run): string {
  return JSON.stringify([run.sessionId, run.runId]);
}

function idsOf({ sessionId, runId }: Run): Run {
  return { sessionId, runId };
}

function wayLeavesTraces(root: string, run: Run): boolean {
  return existsSync(wayRecord(root, run)) || existsSync(wayFolder(root, run));
}

function termsOf(options: ModelGatewayOptions): WayTerms {
  const allow = options.allowedPaths ?? MODEL_PATHS;
  const wrong = allow.find((entry) => !/^[A-Z]+ \/[A-Za-z0-9_./-]*$/.test(entry));
  if (wrong !== undefined) {
    throw new TypeError(`"${wrong}" is no allowed path: write it as "POST /v1/messages".`);
  }
  const limits = { ...LIMITS, ...options.limits };
  for (const [name, value] of Object.entries(limits)) {
    if (!Number.isSafeInteger(value) || value <= 0) {
      throw new TypeError(`The limit ${name} is ${value}: it must be a whole number above 0.`);
    }
  }
  return { upstream: upstreamAddress(options.upstream ?? DEFAULT_UPSTREAM), allow, limits };
}
