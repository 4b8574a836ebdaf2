import type { Forecast, Weather } from "@waybill/core/testing";
import type { Dice } from "./dice.ts";
import type { Plot } from "./plot.ts";

/** Makes the weather of a plot; `calm` ends it. */
export function forecastOf(
  plot: Plot,
  roll: Dice,
): { readonly forecast: Forecast; readonly calm: () => void } {
  let isCalm = false;
  return {
    calm: () => {
      isCalm = true;
    },
    forecast: (point) => (isCalm ? null : weatherAt(point, plot, roll)),
  };
}

function weatherAt(point: string, { storm, keys }: Plot, roll: Dice): Weather | null {
  if (point.endsWith(".close") || point.endsWith(".open")) return null;
  const delays = roll.chance(storm * 3)
    ? { thereMs: delay(roll), backMs: delay(roll) }
    : { thereMs: 0, backMs: 0 };
  if (!roll.chance(storm)) return delays.thereMs + delays.backMs === 0 ? null : delays;
  const isTracker = point.startsWith("tracker.");
  // Without keys the board cannot know a repeat that comes late from a call of its own.
  if (isTracker && !keys) return { ...delays, fails: roll.pick(["before", "after"]) };
  // A page that is read twice is no weather: no store does that.
  return roll.chance(0.3) && !point.startsWith("store.read")
    ? { ...delays, twice: true }
    : { ...delays, fails: roll.pick(["before", "after", "late"]) };
}

function delay(roll: Dice): number {
  return roll.pick([0, 3, 50, roll.between(100, 1_000), roll.between(1_000, 40_000)]);
}
