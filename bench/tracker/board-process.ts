import { execa } from "execa";
import { fileURLToPath } from "node:url";
import * as readline from "node:readline";

/** A reference Tracker in a process of its own. */
export interface BoardProcess extends AsyncDisposable {
  readonly url: string;
  readonly token: string;
  /** When each message came to the board, by its content. */
  messages(): Promise<readonly { readonly content: string; readonly created_at: string }[]>;
}

const program = fileURLToPath(
  new URL("../../packages/tracker-client/src/testing/main.ts", import.meta.url),
);

/** Starts it, with a file that it keeps its records in. */
export async function boardProcess(file: string): Promise<BoardProcess> {
  const token = "bench-token";
  const child = execa(
    process.execPath,
    ["--conditions=@waybill/source", program, "--file", file, "--chat", "general"],
    {
      env: { TRACKER_TOKEN: token },
      reject: false,
      stdin: "ignore",
      stderr: "inherit",
      buffer: false,
    },
  );
  const lines = readline.createInterface({ input: child.stdout });
  const first = await lines[Symbol.asyncIterator]().next();
  const { url } = JSON.parse(String(first.value));
  return {
    url,
    token,
    async messages() {
      const headers = { authorization: `Bearer ${token}` };
      const answer = await fetch(`${url}/__records`, { headers });
      return JSON.parse(await answer.text()).messages;
    },
    async [Symbol.asyncDispose]() {
      child.kill();
      await child;
    },
  };
}
