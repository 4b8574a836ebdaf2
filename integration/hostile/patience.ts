/** Whether the long forms were asked for: ten times the reads, a million junk files. */
export const isLong: boolean = process.env["WAYBILL_LONG"] === "1";

/** How long a test waits for one thing before it gives up, in milliseconds. */
export const PATIENCE_MS: number = isLong ? 900_000 : 40_000;
