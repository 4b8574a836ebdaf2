// One of the orchestrators under attack: takes what it can get, and asks for its part from the top.
import { json } from "node:stream/consumers";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { createOrchestrator, type Mailbox } from "@waybill/core";
import { fsMailbox } from "@waybill/ipc-fs";
import { postgresStore } from "@waybill/store-postgres";
import { httpTracker } from "@waybill/tracker-client";
import { processTransport } from "@waybill/transport-process";
import { connectPorts } from "./port-client.ts";
import type { SharedPart } from "./workload.ts";

/** What standard input says. */
export interface SharedTerms {
  readonly name: string;
  /** This host's own folder. */
  readonly data: string;
  readonly store: string;
  readonly leaseMs: number;
  readonly capacity: number;
  readonly tracker: { readonly url: string; readonly token: string };
  /** The socket of the machine that the fakes live on. */
  readonly fakes: string;
  readonly fakeAgents: readonly string[];
  /** What this one asks for; whoever owns the sessions does it. */
  readonly parts: readonly SharedPart[];
}

const terms = (await json(process.stdin)) as SharedTerms;
const program = fileURLToPath(new URL("../../examples/raw-agent/agent.ts", import.meta.url));
const policy = { retryMs: 50, retryCapMs: 1_000, failures: 1_000, graceMs: 1_000 };
const fakes = await connectPorts(terms.fakes);
const store = postgresStore({ url: terms.store, leaseMs: terms.leaseMs, poolSize: 4 });
const orchestrator = await createOrchestrator({
  store,
  mailbox: byMachine(fakes.mailbox, fsMailbox({ root: join(terms.data, "mail") })),
  tracker: httpTracker({ ...terms.tracker, idempotencyKeys: true, timeoutMs: 3_000 }),
  agents: {
    ...Object.fromEntries(
      terms.fakeAgents.map((slug) => [slug, { name: slug, transport: fakes.transport, policy }]),
    ),
    // On both hosts: a session stays on the one where its first run made its folders.
    raw: {
      name: "Сырой",
      transport: processTransport({
        command: [process.execPath, "--conditions=@waybill/source", program],
      }),
      policy,
    },
  },
  sharing: { capacity: terms.capacity, renewMs: Math.floor(terms.leaseMs / 4) },
});
console.log(JSON.stringify({ ready: process.pid }));
for (const part of terms.parts) await untilDone(() => ask(part));
console.log(JSON.stringify({ asked: terms.parts.length }));
await sleep(2 ** 31 - 1);

/** All of it may be asked for again. */
async function ask({ session: id, agent, chat, messages }: SharedPart): Promise<void> {
  const known = await orchestrator
    .session(id)
    .status()
    .catch(() => null);
  if (known === "closed" || known === "closing") return;
  const session = await orchestrator.open({ id, agent, scope: { chats: [chat] } });
  for (const { key, text } of messages) await session.send(text, { idempotencyKey: key });
  // It resolves once the session has ended, which is for the others to wait for.
  void session.close().catch(() => null);
}

/** The way to the store is cut from time to time. */
async function untilDone(work: () => Promise<void>): Promise<void> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      console.error(`${terms.name}: ${String(error)}`);
      await sleep(500);
    }
  }
}

/** Runs of the fakes' machine have no place in any folder. */
function byMachine(fake: Mailbox, real: Mailbox): Mailbox {
  const isFake = (slug: string): boolean => terms.fakeAgents.includes(slug);
  const of = ({ control }: { readonly control: string }): Mailbox =>
    control.startsWith(terms.data) ? real : fake;
  return {
    check: (signal) => real.check(signal),
    site: async (slug) => (isFake(slug) ? "fakes" : ((await real.site?.(slug)) ?? "")),
    prepare: (run) => (isFake(run.agent.slug) ? fake : real).prepare(run),
    locate: (run) => (isFake(run.agent.slug) ? fake : real).locate(run),
    put: (plan, letter) => of(plan).put(plan, letter),
    receive: (plan, options) => of(plan).receive(plan, options),
    remove: (run) => of(run).remove(run),
    erase: async (session) => {
      await fake.erase(session);
      await real.erase(session);
    },
    close: () => real.close(),
  };
}
