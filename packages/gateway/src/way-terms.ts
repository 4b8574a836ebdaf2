import { MODEL_PATHS } from "./model-paths.ts";
import type { ModelGatewayOptions } from "./model-gateway.ts";
import { DEFAULT_UPSTREAM, upstreamAddress } from "./upstream-address.ts";
import type { WayTerms } from "./way-of-run.ts";
import type { ModelPrices, NamedUpstream, WayBudget, WayLimits } from "./way-spec.ts";

const LIMITS: WayLimits = { bodyBytes: 33_554_432, headerBytes: 16_384, requests: 32 };

/** What holds for every run of one gateway. Throws for options that cannot work. */
export function wayTerms(options: ModelGatewayOptions): WayTerms {
  const { allowedPaths = MODEL_PATHS, models = null, prices = null, budget = {} } = options;
  checkPaths(allowedPaths, /^[A-Z]+ \/[A-Za-z0-9_./-]*$/, "POST /v1/messages");
  const limits = { ...LIMITS, ...options.limits };
  for (const [name, value] of Object.entries(limits)) {
    if (!Number.isSafeInteger(value) || value <= 0) {
      throw new TypeError(`The limit ${name} is ${value}: it must be a whole number above 0.`);
    }
  }
  if (prices !== null) checkPrices(prices);
  return {
    upstream: upstreamAddress(options.upstream ?? DEFAULT_UPSTREAM),
    allow: allowedPaths,
    limits,
    models,
    prices,
    budget: checkedBudget(budget, prices),
    upstreams: namedUpstreams(options.upstreams ?? {}),
  };
}

function checkPaths(entries: readonly string[], shape: RegExp, example: string): void {
  const wrong = entries.find((entry) => !shape.test(entry));
  if (wrong !== undefined) {
    throw new TypeError(`"${wrong}" is no allowed path: write it as "${example}".`);
  }
}

function checkPrices(prices: ModelPrices): void {
  for (const [model, price] of Object.entries(prices)) {
    const { cacheWriteHour = 0, ...others } = price;
    for (const [kind, usd] of Object.entries({ ...others, cacheWriteHour })) {
      if (!Number.isFinite(usd) || usd < 0) {
        throw new TypeError(
          `The price ${kind} of ${model} is ${usd}: it must be US dollars per million tokens.`,
        );
      }
    }
  }
}

function checkedBudget(budget: Partial<WayBudget>, prices: ModelPrices | null): WayBudget {
  const { tokens = null, usd = null, bytes = null } = budget;
  for (const [name, cap] of Object.entries({ tokens, usd, bytes })) {
    if (cap !== null && !(Number.isFinite(cap) && cap >= 0)) {
      throw new TypeError(`The budget ${name} is ${cap}: it must be a number from 0, or null.`);
    }
  }
  if (usd !== null && prices === null) {
    throw new TypeError("A budget in US dollars needs `prices`: give them, or a budget in tokens.");
  }
  return { tokens, usd, bytes };
}

function namedUpstreams(
  upstreams: NonNullable<ModelGatewayOptions["upstreams"]>,
): readonly NamedUpstream[] {
  return Object.entries(upstreams).map(([name, { url, allow, authorization }]) => {
    if (!/^[a-z0-9-]{1,32}$/.test(name)) {
      throw new TypeError(`"${name}" is no upstream's name: use a-z, 0-9 and "-".`);
    }
    checkPaths(allow, /^[A-Z]+ (?:\/(?:[A-Za-z0-9_.~@%-]*|\*))+\*?$/, "GET /left-pad*");
    const isAuthorized = authorization !== undefined;
    return { name, url: upstreamAddress(url), allow, isAuthorized };
  });
}
