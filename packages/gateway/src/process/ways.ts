import { isDeepStrictEqual } from "node:util";
import type { Credential } from "../control-words.ts";
import type { WaySpec } from "../way-spec.ts";
import { wayFolder } from "../way-spec.ts";
import type { AuditLog } from "./audit-log.ts";
import { credentialStore } from "./credential-store.ts";
import { upstreamAgents } from "./upstream-agents.ts";
import { forgetWay, readWayRecords, saveWay } from "./way-records.ts";
import { openWay } from "./way.ts";
import type { Way } from "./way.ts";

/** All attached runs of this root. */
export interface Ways {
  readonly size: number;
  readonly inFlight: number;
  /** When a run last asked for anything. */
  readonly heardAt: number;
  attach(spec: WaySpec, credential: Credential): Promise<void>;
  detach(run: { readonly sessionId: string; readonly runId: string }): Promise<void>;
  /** Serves again what an earlier process of this root served. */
  restore(): Promise<void>;
  /** Stops serving. Records stay, so that the next process can restore them. */
  close(): Promise<void>;
}

/** Keeps the ways of one root, open and on record. Its calls must not overlap. */
export function createWays(options: { readonly root: string; readonly audit: AuditLog }): Ways {
  const { root, audit } = options;
  const ways = new Map<string, Way>();
  const credentials = credentialStore();
  const agents = upstreamAgents();
  let heardAt = Date.now();

  const open = async (spec: WaySpec): Promise<void> => {
    const before = ways.get(wayFolder(root, spec));
    const way = await openWay({
      spec,
      root,
      audit,
      agents,
      credential: () => credentials.get(spec),
      heard: () => void (heardAt = Date.now()),
    });
    ways.set(wayFolder(root, spec), way);
    before?.retire();
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

    async attach(spec, credential) {
      const known = ways.get(wayFolder(root, spec));
      if (known === undefined || !isDeepStrictEqual(known.spec, spec) || !(await known.answers())) {
        await open(spec);
        await saveWay(root, spec);
      }
      credentials.set(spec, credential);
    },

    async detach(run) {
      const way = ways.get(wayFolder(root, run));
      ways.delete(wayFolder(root, run));
      way?.close();
      await forgetWay(root, run);
      if (way !== undefined) credentials.dropUnused(way.spec, ways.values());
    },

    async restore() {
      for (const spec of await readWayRecords(root)) await open(spec);
    },

    async close() {
      await Promise.all([...ways.values()].map((way) => way.hide()));
    },
  };
}
