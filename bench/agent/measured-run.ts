import type { ChildProcessWithoutNullStreams } from "node:child_process";
import { randomUUID } from "node:crypto";
import { watch, type FSWatcher } from "node:fs";
import { chmod, mkdir, readFile, rename, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Place, PlaceFolders } from "./place.ts";

/** A run whose answers to messages are timed from outside. */
export interface MeasuredRun {
  readonly child: ChildProcessWithoutNullStreams;
  /** Sends a message. Resolves with when the SDK had begun with it, by `performance.now()`. */
  send(): Promise<number>;
  /** Resolves once the turn is over. */
  over(): Promise<void>;
  /** Resolves once it says that it can work; the SDK alone says nothing before its first message. */
  ready(): Promise<void>;
}

/** Our agent, told by files in a folder. */
export async function agentRun(place: Place, parent: string): Promise<MeasuredRun> {
  const folders = await makeFolders(parent);
  const heard = signals();
  const watcher = readWords(folders.outbox, heard.say);
  const child = place.agent(folders);
  child.on("exit", () => watcher.close());
  child.stdin.end(JSON.stringify(startWord()));
  drain(child);
  let sent = 0;
  return {
    child,
    ready: async () => void (await heard.next("hello")),
    over: async () => void (await heard.next("turn_ended")),
    async send() {
      sent += 1;
      const number = String(sent).padStart(10, "0");
      const data = { id: `m-${sent}`, delivery: 1, position: sent, text: "Hello", from: null };
      const path = join(folders.inbox, `m.${number}.0001.json`);
      await writeFile(
        `${folders.inbox}/.m`,
        JSON.stringify({ v: 1, type: "message", at: 0, data }),
      );
      await chmod(`${folders.inbox}/.m`, 0o644);
      await rename(`${folders.inbox}/.m`, path);
      return heard.next("accepted");
    },
  };
}

/** The SDK alone, told by lines. */
export async function bareRun(place: Place, parent: string): Promise<MeasuredRun> {
  const heard = signals();
  const child = place.bare(await makeFolders(parent));
  createInterface({ input: child.stdout }).on("line", heard.say);
  child.stderr.resume();
  return {
    child,
    ready: () => Promise.resolve(),
    over: async () => void (await heard.next("ended")),
    async send() {
      child.stdin.write("Hello\n");
      return heard.next("started");
    },
  };
}

/** What was said, and when; each is waited for once. */
function signals(): { say: (what: string) => void; next: (what: string) => Promise<number> } {
  const said: { readonly what: string; readonly at: number }[] = [];
  const waiting = new Map<string, (at: number) => void>();
  return {
    say(what) {
      const at = performance.now();
      const resolve = waiting.get(what);
      waiting.delete(what);
      if (resolve === undefined) said.push({ what, at });
      else resolve(at);
    },
    next(what) {
      const index = said.findIndex((each) => each.what === what);
      const [found] = index === -1 ? [] : said.splice(index, 1);
      if (found !== undefined) return Promise.resolve(found.at);
      return new Promise((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error(`No "${what}" came in a minute.`)), 60_000);
        waiting.set(what, (at) => {
          clearTimeout(timer);
          resolve(at);
        });
      });
    },
  };
}

/** Says the type of each word as it gets its name, and takes it away as a host does. */
function readWords(outbox: string, say: (type: string) => void): FSWatcher {
  return watch(outbox, (_, name) => {
    if (name === null || !/^\d{16}\.json$/.test(name)) return;
    const path = join(outbox, name);
    void readFile(path, "utf8").then(
      async (text) => {
        say(String(JSON.parse(text).type));
        await unlink(path);
      },
      () => undefined, // taken away already: that is an event of its own
    );
  });
}

async function makeFolders(parent: string): Promise<PlaceFolders> {
  const run = join(parent, randomUUID().slice(0, 8));
  const names = ["inbox", "outbox", "state", "workspace"] as const;
  for (const name of names) {
    await mkdir(join(run, name), { recursive: true });
    await chmod(join(run, name), 0o777);
  }
  const [inbox, outbox, state, workspace] = names.map((name) => join(run, name));
  return {
    inbox: inbox ?? "",
    outbox: outbox ?? "",
    state: state ?? "",
    workspace: workspace ?? "",
  };
}

function startWord(): object {
  return {
    v: 1,
    protocol: 1,
    session: "s",
    run: "r",
    agent: { slug: "coder", name: "Кодер" },
    conversation: { id: randomUUID(), resume: false },
    unsettled: [],
    config: { maxRetries: 0, checkpoints: false },
    limits: { fileBytes: 262_144, unacknowledged: 1024 },
  };
}

function drain({ stdout, stderr }: ChildProcessWithoutNullStreams): void {
  stdout.resume();
  stderr.resume();
}
