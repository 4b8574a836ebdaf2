import { fileURLToPath } from "node:url";

/**
 * The path of the scripted model as a program of its own: it prints `{"url":"http://127.0.0.1:…"}` as
 * one line and serves until SIGTERM. Options: `--port <number>`, `--log <file>`.
 */
export function scriptedModelProgram(): string {
  const built = import.meta.url.endsWith(".js");
  return fileURLToPath(new URL(built ? "./main.js" : "./main.ts", import.meta.url));
}
