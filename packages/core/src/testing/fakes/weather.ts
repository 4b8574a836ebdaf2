/**
 * What one call meets on its way. Everything left out goes as it should: at once, and once.
 *
 * A call that fails `before` it arrived did nothing. One that fails `after` did what it was asked for
 * and nobody hears so. One that is `late` fails for whoever called, and arrives all the same.
 */
export interface Weather {
  /** How long the call is on its way, in milliseconds. */
  readonly thereMs?: number;
  /** How long its answer is on its way back, in milliseconds. */
  readonly backMs?: number;
  readonly fails?: "before" | "after" | "late";
  /** It arrives twice. */
  readonly twice?: boolean;
}

/** Says what a call meets; null for nothing. Asked once for each call, and for each item of a stream. */
export type Forecast = (point: string) => Weather | null;
