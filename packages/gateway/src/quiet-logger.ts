import type { Logger } from "@waybill/core";

type Level = keyof Logger;

/** A logger that may be missing or throw: a log line is never worth a failure. */
export function quietLogger(logger: Logger | undefined): Logger {
  const say = (level: Level) => (message: string, fields?: Readonly<Record<string, unknown>>) => {
    try {
      logger?.[level](message, fields);
    } catch {
      // By the port's promise a logger that throws is ignored: there is nowhere left to say so.
    }
  };
  return { debug: say("debug"), info: say("info"), warn: say("warn"), error: say("error") };
}
