import { z } from "zod";

/** That something happened: a hint to look, never a fact by itself. */
export type EngineEvent =
  | {
      readonly type: "container";
      readonly name: string;
      /** Whether its first process has ended, so that a look must show it. */
      readonly died: boolean;
    }
  /** Some image was made, removed or got another name. */
  | { readonly type: "image" };

/** Reads one line of `events`, of docker or of podman; null for what is neither. */
export function parseEvent(line: string): EngineEvent | null {
  const parsed = either.safeParse(parseJson(line));
  if (!parsed.success) return null;
  const event = parsed.data;
  if (event.Type === "image") return { type: "image" };
  const [name, action] =
    "Actor" in event ? [event.Actor.Attributes["name"], event.Action] : [event.Name, event.Status];
  return name === undefined
    ? null
    : { type: "container", name, died: action === "die" || action === "died" };
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch (error) {
    // The last line of an engine that goes away may be cut short; the rescan makes up for it.
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

const either = z.union([
  z.object({
    Type: z.string().optional(),
    Action: z.string(),
    Actor: z.object({ Attributes: z.record(z.string(), z.string()) }),
  }),
  z.object({ Type: z.string().optional(), Name: z.string(), Status: z.string() }),
]);
