import type { FakeWorld } from "./fake-world.ts";

/** How long a story may take. */
export interface PlayOptions {
  /** Simulated minutes in each life. Default 60. */
  readonly minutes?: number;
  /** Default 10. */
  readonly lives?: number;
}

/**
 * Plays a user's program to its end over as many lives as it takes: after each crash of the world's
 * it begins again from the top, as a service does that is started again. So each of its steps must be
 * one that may be repeated. Resolves with the number of lives; throws where the story does not end.
 */
export async function playOut(
  world: FakeWorld,
  program: (world: FakeWorld) => Promise<void>,
  options: PlayOptions = {},
): Promise<number> {
  const { minutes = 60, lives = 10 } = options;
  for (let life = 1; life <= lives; life += 1) {
    if (await playLife(world, program, minutes)) return life;
  }
  throw new Error(`The story does not come to an end in ${lives} lives.`);
}

async function playLife(
  world: FakeWorld,
  program: (world: FakeWorld) => Promise<void>,
  minutes: number,
): Promise<boolean> {
  let end: "done" | "crashed" | { readonly error: unknown } | null = null;
  program(world).then(
    () => (end ??= "done"),
    (error: unknown) => (end ??= { error }),
  );
  // Asked for only now: the program has taken this life's ports.
  void world.crashed.then(() => (end ??= "crashed"));
  for (let step = 0; step < minutes * 4; step += 1) {
    await world.advance({ seconds: 15 });
    const ended = end as "done" | "crashed" | { readonly error: unknown } | null;
    if (ended === null) continue;
    if (typeof ended === "object") throw ended.error;
    return ended === "done";
  }
  throw new Error(`Nothing happens any more after ${minutes} minutes.`);
}
