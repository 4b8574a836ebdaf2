import { isFault, scriptLine } from "./script-line.ts";
import type { Fault, Part } from "./script-line.ts";

/** One answer of the model: what it says and the tools that it calls together. */
export interface Reply {
  /** What goes wrong in place of the answer, before any of it is given. */
  readonly before: readonly Fault[];
  readonly parts: readonly Part[];
}

/** What a fenced block of a message asks the scripted model to do. */
export interface Script {
  readonly replies: readonly Reply[];
  /** True where it takes the place of what is left of earlier scripts. */
  readonly instead: boolean;
  /** What could not be understood, in words; the model says it instead of playing the script. */
  readonly error?: string;
}

const FENCE = /^[ \t]*```script[ \t]*\r?\n([\s\S]*?)^[ \t]*```[ \t]*$/gm;

/** The scripts that ride in a text, in order. A text without a fenced block has none. */
export function scriptsIn(text: string): readonly Script[] {
  return [...text.matchAll(FENCE)].map((match) => script(match[1] ?? ""));
}

/** The text as a person wrote it, without the scripts in it. */
export function withoutScripts(text: string): string {
  return text.replaceAll(FENCE, "").trim();
}

function script(body: string): Script {
  const replies: Part[][] = [];
  let open: Part[] = [];
  let instead = false;
  for (const [index, raw] of body.split("\n").entries()) {
    const line = raw.trim();
    if (line === "" || line.startsWith("#")) continue;
    const understood = scriptLine(line);
    const wrong = (why: string): Script => ({
      replies: [],
      instead,
      error: `line ${index + 1}: ${why}`,
    });
    if ("error" in understood) return wrong(understood.error);
    if (understood.type === "instead") {
      instead = true;
    } else if (understood.type === "also") {
      const last = replies.at(-1);
      if (last === undefined || open.length > 0) return wrong(`"also" must follow a tool line.`);
      last.push({ type: "tool", name: understood.name, input: understood.input });
    } else {
      open.push(understood);
      if (understood.type === "tool") {
        replies.push(open);
        open = [];
      }
    }
  }
  if (open.length > 0) replies.push(open);
  return { replies: replies.map(reply), instead };
}

/** Faults before the first content come in place of an answer; later ones break it off. */
function reply(parts: readonly Part[]): Reply {
  const first = parts.findIndex((part) => isContent(part));
  const start = first === -1 ? parts.length : first;
  return {
    before: parts.slice(0, start).filter(isFault),
    parts: parts.filter((part, index) => index >= start || !isFault(part)),
  };
}

function isContent(part: Part): boolean {
  return ["say", "think", "recall", "tool", "wait"].includes(part.type);
}
