import type { ModelPrice, NamedUpstream, WayBudget, WayLimits, WaySpec } from "../way-spec.ts";
import { isAmount, isCount, isRecord, isText } from "./shapes.ts";

/** Reads a run's way from the control socket or from a record; null where a field is missing or wrong. */
export function readWaySpec(value: unknown): WaySpec | null {
  if (!isRecord(value)) return null;
  const { owner, sessionId, runId, keyring, upstream, allow, models } = value;
  const user = readUser(value["user"]);
  const limits = readLimits(value["limits"]);
  const budget = readBudget(value["budget"]);
  const prices = readPrices(value["prices"]);
  const upstreams = readUpstreams(value["upstreams"]);
  if (!isText(owner) || !isText(sessionId) || !isText(runId)) return null;
  if (!isText(keyring) || user === undefined || limits === null || budget === null) return null;
  if (prices === undefined || upstreams === null) return null;
  if (!isText(upstream) || !URL.canParse(upstream)) return null;
  if (!isTexts(allow) || !(models === null || isTexts(models))) return null;
  const terms = { upstream, allow, limits, models, prices, budget, upstreams };
  return { owner, sessionId, runId, keyring, user, ...terms };
}

function readUser(value: unknown): WaySpec["user"] | undefined {
  if (value === null) return null;
  if (!isRecord(value)) return undefined;
  const { uid, gid } = value;
  return isCount(uid) && isCount(gid) ? { uid, gid } : undefined;
}

function readLimits(value: unknown): WayLimits | null {
  if (!isRecord(value)) return null;
  const { bodyBytes, headerBytes, requests } = value;
  if (!isCount(bodyBytes) || !isCount(headerBytes) || !isCount(requests)) return null;
  return { bodyBytes, headerBytes, requests };
}

function readBudget(value: unknown): WayBudget | null {
  if (!isRecord(value)) return null;
  const { tokens, usd, bytes } = value;
  const isCap = (cap: unknown): cap is number | null => cap === null || isAmount(cap);
  return isCap(tokens) && isCap(usd) && isCap(bytes) ? { tokens, usd, bytes } : null;
}

function readPrices(value: unknown): WaySpec["prices"] | undefined {
  if (value === null) return null;
  if (!isRecord(value)) return undefined;
  const prices: Record<string, ModelPrice> = {};
  for (const [model, price] of Object.entries(value)) {
    const read = readPrice(price);
    if (read === null) return undefined;
    prices[model] = read;
  }
  return prices;
}

function readPrice(value: unknown): ModelPrice | null {
  if (!isRecord(value)) return null;
  const { input, output, cacheRead, cacheWrite, cacheWriteHour } = value;
  if (!isAmount(input) || !isAmount(output)) return null;
  if (!isAmount(cacheRead) || !isAmount(cacheWrite)) return null;
  const price = { input, output, cacheRead, cacheWrite };
  if (cacheWriteHour === undefined) return price;
  return isAmount(cacheWriteHour) ? { ...price, cacheWriteHour } : null;
}

function readUpstreams(value: unknown): readonly NamedUpstream[] | null {
  if (!Array.isArray(value)) return null;
  const upstreams: NamedUpstream[] = [];
  for (const each of value) {
    if (!isRecord(each)) return null;
    const { name, url, allow, isAuthorized } = each;
    if (typeof isAuthorized !== "boolean") return null;
    if (!isText(name) || !isText(url) || !URL.canParse(url) || !isTexts(allow)) return null;
    upstreams.push({ name, url, allow, isAuthorized });
  }
  return upstreams;
}

function isTexts(value: unknown): value is string[] {
  return Array.isArray(value) && value.every(isText);
}
