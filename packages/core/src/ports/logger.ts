/**
 * Where diagnostics go. A tslog logger fits as it is. Nothing in Waybill depends on what a logger
 * does, and one that throws is ignored.
 */
export interface Logger {
  debug(message: string, fields?: Readonly<Record<string, unknown>>): void;
  info(message: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void;
  error(message: string, fields?: Readonly<Record<string, unknown>>): void;
}

/** Says nothing: for whoever passes no logger. */
export const silentLogger: Logger = { debug() {}, info() {}, warn() {}, error() {} };
