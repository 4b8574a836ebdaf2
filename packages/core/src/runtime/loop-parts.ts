import type { Clock } from "../ports/clock.ts";
import type { EventStore } from "../ports/event-store.ts";
import type { Ids } from "../ports/ids.ts";
import type { Logger } from "../ports/logger.ts";
import type { World } from "./carry-out.ts";
import type { Feed } from "./feed.ts";
import type { Redactor } from "./redactor.ts";
import type { SessionLoop } from "./session-loop.ts";

/** What a session's loop works with. */
export interface LoopParts {
  readonly store: EventStore;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly logger: Logger;
  readonly feed: Feed;
  readonly redactor: Redactor;
  /** What effects need; null where this process cannot act for the session. */
  readonly worldOf: (loop: SessionLoop) => World | null;
  /** Told after each change of the state. */
  readonly changed: (loop: SessionLoop) => void;
}
