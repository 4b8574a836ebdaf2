import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { SessionRecord, Activity } from "@waybill/core";
import { startActor, sourceOf, type Actor } from "./cast.ts";
import type { DemoOptions } from "./options.ts";
import type { Cue, OrchestratorTerms } from "./orchestrator-terms.ts";
import { board } from "./script.ts";

/** What the audience hears. */
export interface Audience {
  record(record: SessionRecord): void;
  activity(activity: Activity): void;
  log(text: string): void;
}

/** Everything that is real in the demo: the Tracker, the model, the orchestrator, the folder. */
export class Stage implements AsyncDisposable {
  readonly data: string;
  readonly #options: DemoOptions;
  readonly #audience: Audience;
  readonly #tracker: Actor;
  readonly #model: Actor | null;
  readonly #token: string;
  #orchestrator: Actor | null = null;
  /** The ids of the messages that were sent, in order. */
  readonly messages: string[] = [];
  #seen = 0;
  readonly #waiting = new Set<(record: SessionRecord) => void>();

  static async open(options: DemoOptions, audience: Audience): Promise<Stage> {
    const data = await mkdtemp(join(tmpdir(), "waybill-demo-"));
    const tracker = await startActor(sourceOf("tracker-client/src/testing/main.ts"), {
      args: ["--chat", board.chat, "--task", `${board.task}=${board.title}`],
    });
    const model = options.live ? null : await startActor(sourceOf("agent/src/testing/main.ts"));
    return new Stage(options, audience, data, tracker, model);
  }

  private constructor(
    options: DemoOptions,
    audience: Audience,
    data: string,
    tracker: Actor,
    model: Actor | null,
  ) {
    this.#options = options;
    this.#audience = audience;
    this.data = data;
    this.#tracker = tracker;
    this.#model = model;
    this.#token = String(tracker.opening["token"]);
  }

  /** Where the Tracker is. */
  get trackerUrl(): string {
    return String(this.#tracker.opening["url"]);
  }

  /** Starts the orchestrator's process; resolves with its pid once it has taken over what there is. */
  async startOrchestrator(): Promise<number> {
    this.#orchestrator = await startActor(new URL("orchestrator.ts", import.meta.url).pathname, {
      stdin: `${JSON.stringify(this.#terms())}\n`,
      onLine: (line) => this.#hear(line),
    });
    return Number(this.#orchestrator.opening["ready"]);
  }

  /** Kills the orchestrator's process as a crash would. */
  async killOrchestrator(): Promise<void> {
    this.#orchestrator?.process.kill("SIGKILL");
    await this.#orchestrator?.process;
  }

  /** Tells the orchestrator what to do. */
  say(cue: Cue): void {
    this.#orchestrator?.process.stdin?.write(`${JSON.stringify(cue)}\n`);
  }

  /** Resolves with the next event that fits. */
  async next(
    what: string,
    fits: (record: SessionRecord) => boolean,
    timeoutMs = 60_000,
  ): Promise<SessionRecord> {
    const { promise, resolve, reject } = Promise.withResolvers<SessionRecord>();
    const listener = (record: SessionRecord): void => {
      if (fits(record)) resolve(record);
    };
    this.#waiting.add(listener);
    const timer = setTimeout(() => {
      reject(new Error(`Waited ${timeoutMs / 1000} s in vain for ${what}. Data: ${this.data}`));
    }, timeoutMs);
    try {
      return await promise;
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(listener);
    }
  }

  /** What the Tracker itself has on record. */
  async records(): Promise<unknown> {
    const answer = await fetch(new URL("/__records", this.trackerUrl), {
      headers: { authorization: `Bearer ${this.#token}` },
    });
    return answer.json();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.say({ cue: "leave" });
    await this.#orchestrator?.process;
    this.#tracker.process.kill();
    this.#model?.process.kill();
    await Promise.all([this.#tracker.process, this.#model?.process]);
    if (!this.#options.keep) await rm(this.data, { recursive: true, force: true });
  }

  #hear(line: string): void {
    const said = JSON.parse(line) as {
      record?: SessionRecord;
      activity?: Activity;
      text?: string;
    };
    if (said.activity !== undefined) this.#audience.activity(said.activity);
    if (said.text !== undefined) this.#audience.log(said.text);
    const { record } = said;
    if (record === undefined) return;
    this.#seen = record.version;
    if (record.type === "MessageQueued") this.messages.push(record.data.messageId);
    this.#audience.record(record);
    for (const listener of this.#waiting) listener(record);
  }

  #terms(): OrchestratorTerms {
    return {
      data: this.data,
      tracker: { url: this.trackerUrl, token: this.#token },
      model: {
        upstream:
          this.#model === null ? "https://api.anthropic.com" : String(this.#model.opening["url"]),
        credential: this.#credential(),
        root: join(this.data, "gw"),
      },
      docker: this.#options.docker,
      session: "task-42",
      scope: { chats: [board.chat], tasks: [board.task] },
      after: this.#seen,
    };
  }

  #credential(): OrchestratorTerms["model"]["credential"] {
    if (!this.#options.live) return { apiKey: "scripted" };
    const { ANTHROPIC_API_KEY: apiKey, CLAUDE_CODE_OAUTH_TOKEN: oauthToken } = process.env;
    if (apiKey) return { apiKey };
    if (oauthToken) return { oauthToken };
    throw new Error(
      "--live needs ANTHROPIC_API_KEY or CLAUDE_CODE_OAUTH_TOKEN in the environment.",
    );
  }
}
