import { WaybillError } from "@waybill/core";
import { Worker } from "node:worker_threads";
import type {
  Calls,
  Opened,
  Reply,
  Request,
  ThreadFailure,
  ThreadStart,
} from "./thread/messages.ts";

/** Starts the thread that works on a database, and resolves once the database is open. */
export async function startThread(start: ThreadStart): Promise<StoreThread> {
  const thread = new StoreThread(start);
  await thread.whenOpen();
  return thread;
}

/** The thread of one open database. Without calls under way it does not keep the process alive. */
export class StoreThread {
  readonly #worker: Worker;
  readonly #exited = Promise.withResolvers<void>();
  readonly #calls = new Map<number, Call>();
  #asked = 0;
  #holds = 0;
  #opened: Opened | null = null;
  #end: WaybillError | null = null;

  constructor(start: ThreadStart) {
    // Flags of the process, such as --eval, are not for a thread that runs a file.
    this.#worker = new Worker(threadFile, {
      workerData: start,
      name: "waybill-store",
      execArgv: [],
    });
    this.#worker.on("message", (reply: Reply) => this.#settle(reply));
    this.#worker.on("error", (cause) => this.#finish(lost(start.path, cause)));
    this.#worker.on("exit", () => {
      this.#finish(storeClosed(start.path));
      this.#exited.resolve();
    });
  }

  /** Resolves once the database is open; rejects once everything is undone. To be called once, first. */
  async whenOpen(): Promise<void> {
    const release = this.hold();
    try {
      this.#opened = (await this.#expect(OPENING)) as Opened;
    } catch (error) {
      await this.#exited.promise;
      throw error;
    } finally {
      release();
    }
  }

  /** What was found when the database was opened. */
  get opened(): Opened {
    if (this.#opened === null)
      throw new TypeError("The store's thread has not opened its database yet.");
    return this.#opened;
  }

  /** Asks and waits. Rejects with the thread's error, or with `STORE_CLOSED` once it has ended. */
  call<K extends keyof Calls>(call: K, ask: Calls[K]["ask"]): Promise<Calls[K]["answer"]> {
    if (this.#end !== null) return Promise.reject(this.#end);
    this.#asked += 1;
    const re = this.#asked;
    const request = { re, call, ask } as Request;
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
    this.#worker.postMessage(request);
    return this.#expect(re) as Promise<Calls[K]["answer"]>;
  }

  /** Keeps the process alive until the result is called. */
  hold(): () => void {
    this.#holds += 1;
    this.#worker.ref();
    let held = true;
    return () => {
      if (held) this.#holds -= 1;
      held = false;
      if (this.#holds === 0) this.#worker.unref();
    };
  }

  /** Resolves once the database is closed, its lock is let go and the thread is gone. */
  async close(): Promise<void> {
    const release = this.hold();
    try {
      if (this.#end === null) await this.call("close", null);
      await this.#exited.promise;
    } finally {
      release();
    }
  }

  #expect(re: number): Promise<unknown> {
    const release = this.hold();
    return new Promise((resolve, reject) => {
      this.#calls.set(re, { resolve, reject, release });
    });
  }

  #settle(reply: Reply): void {
    const call = this.#calls.get(reply.re);
    if (call === undefined) return;
    this.#calls.delete(reply.re);
    call.release();
    if (reply.ok) call.resolve(reply.answer);
    else call.reject(revive(reply.failure));
  }

  #finish(error: WaybillError): void {
    this.#end ??= error;
    for (const { reject, release } of this.#calls.values()) {
      release();
      reject(this.#end);
    }
    this.#calls.clear();
  }
}

/** The error of a call to a store that is not open. */
export function storeClosed(path: string): WaybillError {
  return new WaybillError("STORE_CLOSED", `The store ${path} is not open: call open() first.`, {
    details: { path },
  });
}

interface Call {
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: WaybillError) => void;
  readonly release: () => void;
}

/** The number of the reply that says how the opening went; calls count from 1. */
const OPENING = 0;

// Node runs the source as it is; a built package has only JavaScript.
const threadFile = new URL(
  import.meta.url.endsWith(".ts") ? "./thread/main.ts" : "./thread/main.js",
  import.meta.url,
);

function revive({ code, message, cause, ...options }: ThreadFailure): WaybillError {
  return new WaybillError(
    code,
    message,
    cause === undefined ? options : { ...options, cause: new Error(cause) },
  );
}

function lost(path: string, cause: unknown): WaybillError {
  const message = `The thread of the store ${path} died: ${String(cause)}. Open the store again; an append without an answer may be repeated, since its ids are recognised.`;
  return new WaybillError("STORE_FAILED", message, { class: "unknown", details: { path }, cause });
}
