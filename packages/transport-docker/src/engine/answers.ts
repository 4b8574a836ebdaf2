import { z } from "zod";

// What the engine's API answers beside what its command line prints as well. Source: Docker Engine
// API 1.41.

/** The id in the answer to `POST /containers/create`. */
export function createdId(body: string): string {
  return withId.parse(JSON.parse(body)).Id;
}

/** The ids in the answer to `GET /containers/json`. */
export function listedIds(body: string): readonly string[] {
  return z
    .array(withId)
    .parse(JSON.parse(body))
    .map(({ Id }) => Id);
}

/** The engine's words in an answer that says no; the text itself where it is something else's. */
export function refusalWords(body: string): string {
  try {
    return withMessage.parse(JSON.parse(body)).message;
  } catch {
    // No refusal of the engine's: the text is all that there is to show.
    return body.slice(0, 600);
  }
}

const withId = z.object({ Id: z.string().min(1) });
const withMessage = z.object({ message: z.string() });
