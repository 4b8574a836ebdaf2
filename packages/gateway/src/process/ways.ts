import { isDeepStrictEqual } from "node:util";
import type { CredentialPlace, KnownSpending, PlacedCredential } from "../control-words.ts";
import type { LedgerOwner, WaySpec } from "../way-spec.ts";
import { wayFolder } from "../way-spec.ts";
import type { AuditLog } from "./audit-log.ts";
import type { Ledger } from "./books/ledger.ts";
import type { Ledgers } from "./books/ledgers.ts";
import type { CredentialStore } from "./credential-store.ts";
import { upstreamAgents } from "./upstream-agents.ts";
import { forgetWay, readWayRecords, saveWay } from "./way-records.ts";
import { openWay } from "./way.ts";
import type { Way } from "./way.ts";

/** What ways are made of. */
export interface WaysOptions {
  readonly root: string;
  readonly audit: AuditLog;
  readonly credentials: CredentialStore;
  readonly ledgers: Ledgers;
}

/** A run's way, and what its host brought along. */
export interface AttachCall {
  readonly way: WaySpec;
  readonly credentials: readonly PlacedCredential[];
  readonly spent: KnownSpending;
}

/** All attached runs of this root. */
export interface Ways {
  readonly size: number;
  readonly inFlight: number;
  /** When a run last asked for anything. */
  readonly heardAt: number;
  attach(call: AttachCall): Promise<void>;
  /** Resolves once everything that the run had under way is ended and on record. */
  detach(run: { readonly sessionId: string; readonly runId: string }): Promise<void>;
  /** Detaches all runs of the session and removes its books. */
  erase(session: LedgerOwner): Promise<void>;
  /** Serves again what an earlier process of this root served. */
  restore(): Promise<void>;
  /** Stops serving. Records stay, so that the next process can restore them. */
  close(): Promise<void>;
}

/** Keeps the ways of one root, open and on record. Its calls must not overlap. */
export function createWays(options: WaysOptions): Ways {
  const { root, audit, credentials, ledgers } = options;
  const ways = new Map<string, Way>();
  const agents = upstreamAgents();
  let heardAt = Date.now();

  const ledgerOf = (spec: WaySpec): Ledger => {
    const ledger = ledgers.open(spec);
    ledger.holdsBytes = spec.budget.bytes !== null;
    return ledger;
  };
  const open = async (spec: WaySpec): Promise<void> => {
    const before = ways.get(wayFolder(root, spec));
    const way = await openWay({
      spec,
      root,
      audit,
      agents,
      credentials,
      ledger: ledgerOf(spec),
      heard: () => void (heardAt = Date.now()),
    });
    ways.set(wayFolder(root, spec), way);
    before?.retire();
  };
  const waysOf = ({ owner, sessionId }: LedgerOwner): readonly Way[] =>
    [...ways.values()].filter(({ spec }) => spec.owner === owner && spec.sessionId === sessionId);
  const leave = (spec: WaySpec): void => {
    const others = [...ways.values()].map((way) => way.spec);
    if (waysOf(spec).length > 0) return;
    ledgers.close(spec);
    credentials.keepOnly(others.flatMap(placesOf));
  };
  const detach: Ways["detach"] = async (run) => {
    const way = ways.get(wayFolder(root, run));
    ways.delete(wayFolder(root, run));
    await way?.close();
    await forgetWay(root, run);
    if (way !== undefined) leave(way.spec);
  };

  return {
    get size() {
      return ways.size;
    },
    get inFlight() {
      return [...ways.values()].reduce((sum, way) => sum + way.inFlight, 0);
    },
    get heardAt() {
      return heardAt;
    },

    async attach({ way: spec, credentials: placed, spent }) {
      ledgerOf(spec).raise(spent);
      // First the keys: a request may come as soon as the way is another one's.
      for (const each of placed) credentials.set(each, each.credential);
      const known = ways.get(wayFolder(root, spec));
      const isSame = known !== undefined && isDeepStrictEqual(known.spec, spec);
      const isServed = known?.change(spec) === true && (await known.answers());
      if (!isServed) await open(spec);
      if (!isServed || !isSame) await saveWay(root, spec);
      // An attach under another ring leaves the last one's keys to nobody, or to other runs.
      credentials.keepOnly([...ways.values()].flatMap((way) => placesOf(way.spec)));
    },

    detach,

    async erase(session) {
      for (const { spec } of waysOf(session)) await detach(spec);
      ledgers.erase(session);
    },

    async restore() {
      for (const spec of await readWayRecords(root)) await open(spec);
    },

    async close() {
      await Promise.all([...ways.values()].map((way) => way.hide()));
      ledgers.closeAll();
    },
  };
}

function placesOf({ keyring, upstream, upstreams }: WaySpec): readonly CredentialPlace[] {
  const named = upstreams.map(({ name, url }) => ({ keyring, name, upstream: url }));
  return [{ keyring, name: null, upstream }, ...named];
}
