/** One figure of a bench, and how it stands against its baseline of the same run. */
export interface BenchLine {
  readonly bench: string;
  /** What was measured, in words. */
  readonly metric: string;
  /** The median of the rounds. */
  readonly value: number;
  readonly unit: string;
  /** The same work done in the plainest way, in the same rounds; null where there is no such thing. */
  readonly baseline: number | null;
  /** `value / baseline`; null without a baseline. */
  readonly ratio: number | null;
  /** What must hold, in words: `">= 5x"`. Null where the figure is only reported. */
  readonly target: string | null;
  /** Whether the target is met; true where there is none. */
  readonly ok: boolean;
  /** What each round gave, for `--save`; left out of what is printed. */
  readonly rounds: readonly Round[];
}

/** What one round gave: the two were measured one right after the other. */
export interface Round {
  readonly value: number;
  readonly baseline: number | null;
}

/** What must hold of a figure. */
export type Target =
  /** So many times the baseline; or, where given, this much whatever the baseline is. */
  | { readonly atLeastTimes: number; readonly orAtLeast?: number }
  | { readonly atMostAbove: number }
  | { readonly atMost: number }
  | { readonly atLeast: number }
  | { readonly atMostTimes: number }
  | null;

/** Makes the line out of the rounds: medians, their ratio, and the target. */
export function benchLine(options: {
  readonly bench: string;
  readonly metric: string;
  readonly unit: string;
  readonly rounds: readonly Round[];
  readonly target: Target;
}): BenchLine {
  const { bench, metric, unit, rounds, target } = options;
  const value = median(rounds.map((round) => round.value));
  const baselines = rounds.flatMap(({ baseline }) => (baseline === null ? [] : [baseline]));
  const baseline = baselines.length === 0 ? null : median(baselines);
  const ratio = baseline === null ? null : value / baseline;
  const [words, ok] = judge(target, unit, value, baseline);
  return { bench, metric, value, unit, baseline, ratio, target: words, ok, rounds };
}

/** The middle value, or the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
  const lower = sorted[Math.ceil(sorted.length / 2) - 1] ?? Number.NaN;
  return (lower + upper) / 2;
}

function judge(
  target: Target,
  unit: string,
  value: number,
  baseline: number | null,
): readonly [string | null, boolean] {
  if (target === null) return [null, true];
  if ("atLeastTimes" in target) {
    const { atLeastTimes, orAtLeast = Infinity } = target;
    const either = orAtLeast === Infinity ? "" : ` or >= ${orAtLeast} ${unit}`;
    const isEnough = baseline !== null && value >= baseline * atLeastTimes;
    return [`>= ${atLeastTimes}x${either}`, isEnough || value >= orAtLeast];
  }
  if ("atMostTimes" in target) {
    const { atMostTimes } = target;
    return [`<= ${atMostTimes}x`, baseline !== null && value <= baseline * atMostTimes];
  }
  if ("atLeast" in target) return [`>= ${target.atLeast} ${unit}`, value >= target.atLeast];
  if ("atMost" in target) return [`<= ${target.atMost} ${unit}`, value <= target.atMost];
  const words = `<= baseline + ${target.atMostAbove} ${unit}`;
  return [words, baseline !== null && value <= baseline + target.atMostAbove];
}
