import type { WaySpec } from "../way-spec.ts";
import type { Refusal } from "./api-error.ts";
import type { Spent } from "./books/ledger-lines.ts";
import type { ModelScan } from "./meter/model-scan.ts";

/**
 * Says whether the session may spend more; null lets it. A 402 of this type ends the SDK's turn at
 * once, without a retry (tried with 0.3.330): asking again would change nothing.
 */
export function judgeSpent({ budget }: WaySpec, spent: Spent): Refusal | null {
  const { tokens, usd, bytes } = budget;
  if (tokens !== null && spent.tokens >= tokens) return overspent(`${tokens} tokens`);
  if (usd !== null && spent.usd >= usd) return overspent(`$${usd}`);
  return judgeBytes(bytes, spent);
}

/** Says whether the session may move more bytes. */
export function judgeBytes(cap: number | null, spent: Spent): Refusal | null {
  return cap !== null && spent.bytes >= cap ? overspent(`${cap} bytes`) : null;
}

function overspent(cap: string): Refusal {
  const message = `this session has used up its budget of ${cap}. A person has to raise it.`;
  return { status: 402, reason: "budget-spent", message };
}

/**
 * Says whether the models that a body has named so far may be asked for. Of several each must be
 * allowed: which one the upstream takes is its own affair. With `isWhole`, one must have been named.
 */
export function judgeModel(way: WaySpec, { named }: ModelScan, isWhole: boolean): Refusal | null {
  const { models, prices, budget } = way;
  const isAllowed = (name: string | null): boolean =>
    models === null || (name !== null && models.includes(name));
  const needsPrice = prices !== null && budget.usd !== null;
  const isPriced = (name: string | null): boolean =>
    !needsPrice || (name !== null && Object.hasOwn(prices, name));

  if (!named.every(isAllowed)) return forbidden(models ?? [], named);
  if (!named.every(isPriced)) return unpriced(named);
  if (!isWhole || named.length > 0) return null;
  if (models !== null) return forbidden(models, named);
  return needsPrice ? unpriced(named) : null;
}

/** Whether a body has to be read to its end before the upstream may have all of it. */
export function needsModel({ models, prices, budget }: WaySpec): boolean {
  return models !== null || (prices !== null && budget.usd !== null);
}

function forbidden(models: readonly string[], named: ModelScan["named"]): Refusal {
  const message = `${asked(named)} Allowed: ${models.join(", ") || "none"}.`;
  return { status: 403, reason: "model-not-allowed", message };
}

function unpriced(named: ModelScan["named"]): Refusal {
  const message = `${asked(named)} It has no price here, so that its cost has no bound.`;
  return { status: 403, reason: "model-without-price", message };
}

function asked(named: ModelScan["named"]): string {
  const name = named.at(-1);
  return name === undefined || name === null
    ? "the request names no model."
    : `the model "${name}" may not be asked for.`;
}
