import type { Engine } from "./engine.ts";
import type { Image } from "./image.ts";
import type { EngineInfo } from "./info.ts";

/** What was learnt of the engine a while ago and cannot have changed unnoticed since. */
export interface Known {
  /** The image, asked for only where it may have changed; null where the engine has no such image. */
  image(name: string, signal?: AbortSignal): Promise<Image | null>;
  /** Who answered the last time; null where that may be another by now. */
  info(): EngineInfo | null;
  keepInfo(info: EngineInfo): void;
  /** Something happened to an image: each has to be asked for again. */
  forgetImages(): void;
}

/** A follower needs some time to reach the engine; before that its silence says nothing. */
const settleMs = 1_000;

/**
 * Remembers answers for as long as a follower of the engine's events stands that would have told of
 * a change, so that a start waits for no question.
 *
 * @param followingSince since when (`performance.now()`) the follower stands; null where there is none.
 */
export function knownOf(engine: Engine, followingSince: () => number | null): Known {
  const images = new Map<string, { readonly image: Image; readonly askedAt: number }>();
  let identity: { readonly info: EngineInfo; readonly askedAt: number } | null = null;
  let changes = 0;

  const holds = (askedAt: number): boolean => {
    const since = followingSince();
    return since !== null && askedAt - since >= settleMs;
  };

  return {
    image: async (name, signal) => {
      const known = images.get(name);
      if (known !== undefined && holds(known.askedAt)) return known.image;
      const askedAt = performance.now();
      const before = changes;
      const image = await engine.image(name, signal);
      // A change that was told of meanwhile may be later than the answer.
      if (image !== null && before === changes) images.set(name, { image, askedAt });
      return image;
    },
    info: () => (identity !== null && holds(identity.askedAt) ? identity.info : null),
    keepInfo: (info) => {
      identity = { info, askedAt: performance.now() };
    },
    forgetImages: () => {
      changes += 1;
      images.clear();
    },
  };
}
