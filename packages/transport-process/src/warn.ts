import type { Logger } from "@waybill/core";

/** Warns; a logger that throws is ignored, since nothing may depend on it. */
export function warn(
  logger: Logger | undefined,
  message: string,
  fields: Readonly<Record<string, unknown>>,
): void {
  try {
    logger?.warn(message, fields);
  } catch {
    // There is nobody left to tell.
  }
}
