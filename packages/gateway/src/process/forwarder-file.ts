import { readFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";

/** The forwarder as one file for any Node: from dist as it is, from source without its types. */
export function forwarderText(): string {
  const isSource = import.meta.url.endsWith(".ts");
  const file = new URL(isSource ? "../forwarder.ts" : "../forwarder.js", import.meta.url);
  const text = readFileSync(file, "utf8");
  return isSource ? stripTypeScriptTypes(text) : text;
}
