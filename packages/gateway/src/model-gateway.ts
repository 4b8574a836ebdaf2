import { randomUUID } from "node:crypto";
import type { Gateway, Logger, RunPlan, SpendingTerms } from "@waybill/core";
import type { CredentialRefused, PlacedCredential } from "./control-words.ts";
import { credentialKind, readAuthorization, readCredential } from "./credential-source.ts";
import type { CredentialSource, ModelCredential } from "./credential-source.ts";
import { defaultGatewayRoot, prepareRoot, resolveRoot } from "./gateway-root.ts";
import { keepLink } from "./keep-link.ts";
import { quietLogger } from "./quiet-logger.ts";
import { tidyBooks } from "./tidy-books.ts";
import { runLeftTraces, sessionLeftTraces } from "./traces.ts";
import { readMeter } from "./read-meter.ts";
import { isClearText } from "./upstream-address.ts";
import { attachmentOf, wayOfRun } from "./way-of-run.ts";
import type { WayTerms } from "./way-of-run.ts";
import type { ModelPrices, WayBudget, WayLimits } from "./way-spec.ts";
import { wayTerms } from "./way-terms.ts";

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
  /**
   * The models that runs may ask for, letter for letter, as requests name them: aliases and dated
   * names are two. Default: any.
   */
  readonly models?: readonly string[];
  /**
   * US dollars per million tokens, by the model's name as requests name it: what a session costs is
   * counted from them. There are no prices by default. Where there are some and a session has a cap
   * in dollars, a model without one is refused.
   */
  readonly prices?: ModelPrices;
  /**
   * What each session may cost over all its runs: `tokens` of all kinds, `usd` (needs `prices`),
   * `bytes` of bodies both ways. A session's own cap in dollars (`Policy.budgetUsd`) holds as well.
   * Default: no cap.
   */
  readonly budget?: Partial<WayBudget>;
  /** What runs may reach besides the model, by name. Default: nothing. */
  readonly upstreams?: Readonly<Record<string, UpstreamOptions>>;
  /** Default: silence. */
  readonly logger?: Logger;
}

/** A package registry, a git host: reached by a run at `/upstreams/<name>/` on the same socket. */
export interface UpstreamOptions {
  readonly url: string | URL;
  /**
   * `METHOD /path` letter for letter. A `*` at the end stands for whatever follows (`GET /left-pad*`),
   * and one as a folder in the middle for any one folder.
   */
  readonly allow: readonly string[];
  /** What asks there: in the run, it is configured to find its way. Default: nothing is. */
  readonly client?: "npm" | "git";
  /** The whole `Authorization` header that the gateway adds. Default: none. */
  readonly authorization?: CredentialSource;
}

/**
 * Gives runs a way to the model without giving them a key: a unix socket per run, served by one
 * host-side process per root that outlives us. Throws at once for options that cannot work:
 * `GATEWAY_ROOT_TOO_LONG`, `GATEWAY_UPSTREAM_INVALID`, or a `TypeError`.
 */
export function modelGateway(options: ModelGatewayOptions): Gateway {
  const { credential, idleMs = 600_000 } = options;
  const root = resolveRoot(options.root ?? defaultGatewayRoot());
  const terms = wayTerms(options);
  const logger = quietLogger(options.logger);
  for (const upstream of [terms.upstream, ...terms.upstreams.map(({ url }) => url)]) {
    if (isClearText(upstream)) {
      logger.warn(
        "The gateway's upstream is plain http: the credential crosses the network readable.",
        { host: new URL(upstream).host },
      );
    }
  }
  const told = terms.upstreams.map(({ name, url }) => ({
    name,
    url,
    ...clientOf(options.upstreams?.[name]),
  }));
  const keyring = randomUUID();
  const attached = new Map<string, Attached>();

  const attachAll = async (runs: Iterable<Attached>): Promise<void> => {
    const credentials = await readCredentials(options, terms, keyring);
    const calls = [...runs]
      .filter(({ plan }) => isAttached(plan))
      .map(({ plan, spending }) =>
        link.call({
          call: "attach",
          way: wayOfRun(plan, terms, spending, keyring),
          credentials,
          spent: { tokens: spending?.spentTokens ?? 0, usd: spending?.spentUsd ?? 0 },
        }),
      );
    await Promise.all(calls);
  };
  const isAttached = (run: Run): boolean => attached.has(keyOf(run));
  const renew = async (refused: CredentialRefused): Promise<void> => {
    if (refused.keyring !== keyring) return;
    const placed = await readCredentials(options, terms, keyring);
    const mine = placed.find(
      ({ name, upstream }) => name === refused.name && upstream === refused.upstream,
    );
    if (mine !== undefined) await link.call({ call: "credential", ...mine });
  };
  const link = keepLink({
    root,
    idleMs,
    logger,
    isNeeded: () => attached.size > 0,
    onReturn: () => attachAll(attached.values()),
    onRefused: (refused) => {
      renew(refused).catch((error: unknown) =>
        logger.error("A refused credential could not be renewed.", { error: String(error) }),
      );
    },
  });

  return {
    async check(signal) {
      await prepareRoot(root);
      await link.ensure(signal);
      await attachAll(attached.values());
    },
    async attach(plan, newTerms) {
      const before = attached.get(keyOf(plan));
      await prepareRoot(root);
      const run = { plan, spending: newTerms ?? before?.spending };
      attached.set(keyOf(plan), run);
      try {
        await attachAll([run]);
      } catch (error) {
        if (before === undefined) attached.delete(keyOf(plan));
        throw error;
      }
      return attachmentOf(root, plan, credentialKind(credential), told);
    },
    readings: (session, how) => readMeter({ root, link, session, ...how }),
    async detach(run) {
      const isKnown = attached.delete(keyOf(run)) || runLeftTraces(root, run);
      if (isKnown) await link.call({ call: "detach", ...idsOf(run) });
    },
    async erase({ owner, sessionId }) {
      for (const [key, { plan }] of attached)
        if (plan.owner === owner && plan.sessionId === sessionId) attached.delete(key);
      const session = { owner, sessionId };
      if (sessionLeftTraces(root, session)) await link.call({ call: "erase", ...session });
    },
    tidy: (owner, hasEnded) => tidyBooks({ root, link, owner, hasEnded }),
    async close() {
      attached.clear();
      link.close();
    },
  };
}

type Run = Pick<RunPlan, "sessionId" | "runId">;

interface Attached {
  readonly plan: RunPlan;
  readonly spending: SpendingTerms | undefined;
}

async function readCredentials(
  { credential, upstreams = {} }: ModelGatewayOptions,
  terms: WayTerms,
  keyring: string,
): Promise<readonly PlacedCredential[]> {
  const model = { keyring, name: null, upstream: terms.upstream };
  const placed: PlacedCredential[] = [{ ...model, credential: await readCredential(credential) }];
  for (const { name, url } of terms.upstreams) {
    const source = upstreams[name]?.authorization;
    if (source === undefined) continue;
    const authorization = await readAuthorization(name, source);
    placed.push({ keyring, name, upstream: url, credential: authorization });
  }
  return placed;
}

function clientOf(upstream: UpstreamOptions | undefined): Pick<UpstreamOptions, "client"> {
  return upstream?.client === undefined ? {} : { client: upstream.client };
}

function keyOf(run: Run): string {
  return JSON.stringify([run.sessionId, run.runId]);
}

function idsOf({ sessionId, runId }: Run): Run {
  return { sessionId, runId };
}
