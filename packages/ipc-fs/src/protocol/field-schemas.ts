import { z } from "zod";

/** Ids of messages and turns, and the Tracker's ids: safe in file names and in URLs. */
export const idSchema: z.ZodType<string> = z
  .string()
  .regex(/^[A-Za-z0-9_-]{1,64}$/, "must be 1 to 64 of [A-Za-z0-9_-]");

/** A count from 0, exact in every language that reads JSON numbers as doubles. */
export const countSchema: z.ZodType<number> = z.int().nonnegative();

/**
 * Text of an untrusted program, of at most `length` UTF-16 units. Lone surrogates and NUL become
 * U+FFFD, since no store keeps them all alike; everything else stays as it is.
 */
export function textSchema(length: number): z.ZodType<string> {
  return z.string().max(length).overwrite(storable);
}

function storable(text: string): string {
  return text.toWellFormed().replaceAll("\0", "\uFFFD");
}
