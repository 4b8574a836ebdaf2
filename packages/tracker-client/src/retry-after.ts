/** A day: longer waits are a mistake or an attack, and the orchestrator asks again anyway. */
const longestMs = 86_400_000;

/**
 * The wait that a `Retry-After` header asks for (RFC 9110, 10.2.3: seconds or an HTTP-date), in
 * milliseconds and at most a day; null where there is none or it says nothing. A date is read by the
 * clock that wrote it, the answer's own `Date` header, so that two clocks need not agree.
 */
export function retryAfterMs(
  value: string | null,
  date: string | null,
  now: number = Date.now(),
): number | null {
  const text = value?.trim() ?? "";
  if (/^\d+$/.test(text)) {
    return Math.min(Number(text) * 1000, longestMs);
  }
  const until = httpDate(text);
  if (until === null) {
    return null;
  }
  return Math.min(Math.max(until - (httpDate(date ?? "") ?? now), 0), longestMs);
}

// Date.parse alone takes far too much: "-5" is a day in 2001 to it.
function httpDate(text: string): number | null {
  const instant = /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*,? /.test(text)
    ? Date.parse(text)
    : Number.NaN;
  return Number.isNaN(instant) ? null : instant;
}
