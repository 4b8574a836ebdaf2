import type { WaySpec } from "../way-spec.ts";

/** Where a request goes. */
export interface Route {
  /** Null for the model API. */
  readonly name: string | null;
  readonly upstream: string;
  readonly allow: readonly string[];
  /** Path and query, below the upstream's own path. */
  readonly target: string;
  /** Whether it goes nowhere without a credential. */
  readonly isAuthorized: boolean;
  /** Whether it asks the model to work, and not to count. */
  readonly isWork: boolean;
}

/** Below this, runs reach what is not the model. */
const PREFIX = "/upstreams/";

/** The path that makes the model work. */
const WORK = "/v1/messages";

/** Where the target leads by its first letters alone; null where no such upstream is named. */
export function routeOf(url: string, way: WaySpec): Route | null {
  if (!url.startsWith(PREFIX)) {
    const { upstream, allow } = way;
    const isWork = url === WORK || url.startsWith(`${WORK}?`);
    return { name: null, upstream, allow, target: url, isAuthorized: true, isWork };
  }
  const end = url.indexOf("/", PREFIX.length);
  const name = url.slice(PREFIX.length, end === -1 ? undefined : end);
  const named = way.upstreams.find((each) => each.name === name);
  if (named === undefined || end === -1) return null;
  return {
    name,
    upstream: named.url,
    allow: named.allow,
    target: url.slice(end),
    isAuthorized: named.isAuthorized,
    isWork: false,
  };
}
