import type { Logger } from "@waybill/core";

/** The logger, or one that says nothing, such that no call of it can fail. */
export function safeLogger(logger: Logger | undefined): Logger {
  const safely =
    (level: keyof Logger): Logger["info"] =>
    (message, fields) => {
      try {
        logger?.[level](message, fields);
      } catch {
        // Diagnostics must not change what they tell of, and there is nowhere left to say so.
      }
    };
  return {
    debug: safely("debug"),
    info: safely("info"),
    warn: safely("warn"),
    error: safely("error"),
  };
}
