import { ackOnAccept } from "./ack-on-accept.ts";
import { actFirst } from "./act-first.ts";
import { forgetDeadline } from "./forget-deadline.ts";
import { noAgentLimit } from "./no-agent-limit.ts";
import { noKey } from "./no-key.ts";
import { noLimit } from "./no-limit.ts";
import type { Plant } from "./plant.ts";
import { rerunOnConflict } from "./rerun-on-conflict.ts";
import { secondStart } from "./second-start.ts";
import { skipDrain } from "./skip-drain.ts";
import { skipUnknown } from "./skip-unknown.ts";
import { staleSweep } from "./stale-sweep.ts";
import { uncounted } from "./uncounted.ts";
import { unlinkFirst } from "./unlink-first.ts";

/** Every plant. */
export const plants: readonly Plant[] = [
  unlinkFirst,
  noKey,
  skipDrain,
  rerunOnConflict,
  ackOnAccept,
  secondStart,
  forgetDeadline,
  skipUnknown,
  actFirst,
  noLimit,
  noAgentLimit,
  uncounted,
  staleSweep,
];
