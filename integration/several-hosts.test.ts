// Two hosts share a PostgreSQL and a folder, and nothing else: the second lives in namespaces of its
// own, with processes and a name of its own. When its orchestrator dies, or its way to the database
// is cut, its run is left alone until it has ended itself; only then the first host goes on.
import { readFileSync, readdirSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createOrchestrator, type SessionRecord } from "@waybill/core";
import { referenceTracker } from "@waybill/tracker-client/testing";
import { execa } from "execa";
import { expect, test } from "vitest";
import { describeWithPostgres, type PostgresServer } from "./postgres-server.ts";
import { optionsFor, runLeaseMs, type HostTerms } from "./several-hosts/terms.ts";

const program = fileURLToPath(new URL("./several-hosts/orchestrator.ts", import.meta.url));

const reason =
  process.env["WAYBILL_HOSTS"] !== "1"
    ? "it takes most of a minute: set WAYBILL_HOSTS=1"
    : process.getuid?.() === 0
      ? null
      : "only root may make namespaces: run it as root";
const title = reason === null ? "" : ` (skipped: ${reason})`;
const hurtTest = test.skipIf(reason !== null).concurrent;

await describeWithPostgres("two hosts with one folder", (server) => {
  hurtTest(`an orchestrator that dies${title}`, async () => {
    await play(server(), "died", ({ host }) => host.killOrchestrator());
  });

  hurtTest(`an orchestrator that is cut off from the log${title}`, async () => {
    await play(server(), "cut", ({ way }) => way.cut());
  });
});

interface Stage {
  readonly host: OtherHost;
  readonly way: Way;
}

/** The other host begins and is hurt; then this one takes over and brings the work to its end. */
async function play(
  server: PostgresServer,
  schema: string,
  hurt: (stage: Stage) => void,
): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const root = await mkdtemp(join(tmpdir(), "wb-hosts-"));
  stack.defer(() => rm(root, { recursive: true, force: true }));
  const tracker = stack.use(await referenceTracker({ seed: { chats: [{ id: "7" }], tasks: [] } }));
  const way = stack.use(await wayTo(server.port));
  const terms = { schema, root, tracker: { url: tracker.url, token: tracker.token } };
  const host = stack.use(await otherHost({ ...terms, store: urlAt(server.url, way.port) }));
  const here = stack.use(await createOrchestrator(optionsFor({ ...terms, store: server.url })));
  const session = here.session("task-42");
  const lives = stack.use(watchLives(root));

  await seen(session, "OperationDelivered");
  expect(lives.now()).toHaveLength(1);
  hurt({ host, way });
  const { recordedAt: takenAt } = await seen(session, "SessionOwned", 2);
  expect(lives.now(), "the run is left alone").toHaveLength(1);
  const { recordedAt: lostAt, data } = await seen(session, "RunLost");
  expect(data).toMatchObject({ evidence: "lease" });
  expect(lostAt - takenAt).toBeGreaterThanOrEqual(runLeaseMs);
  const second = await seen(session, "RunRequested", 2);
  expect(second.data.site?.host).not.toBe((await seen(session, "RunRequested")).data.site?.host);
  await seen(session, "TurnEnded", 2);
  expect(tracker.records.messages.map(({ content }) => content)).toEqual(["before", "after"]);
  expect(lives.most(), "never two live runs").toBe(1);
}

/** The event of this type, as soon as it stands in the log for the n-th time. */
async function seen<Type extends SessionRecord["type"]>(
  session: { events(): AsyncIterable<SessionRecord> },
  type: Type,
  nth = 1,
): Promise<Extract<SessionRecord, { readonly type: Type }>> {
  let count = 0;
  for await (const event of session.events()) {
    if (event.type !== type) continue;
    count += 1;
    if (count === nth) return event as Extract<SessionRecord, { readonly type: Type }>;
  }
  throw new Error(`The log ended before ${type}.`);
}

interface OtherHost extends AsyncDisposable {
  /** The host and its runs live on. */
  killOrchestrator(): void;
}

/** Starts an orchestrator with processes and a host name of its own; resolves once it has sent the message. */
async function otherHost(terms: HostTerms): Promise<OtherHost> {
  // What is started in the background has no standard input, unless it is given one by name.
  const script = 'hostname other-host; exec 3<&0; "$@" <&3 & while :; do sleep 60; done';
  const command = ["sh", process.execPath, "--conditions=@waybill/source", program];
  const namespaces = ["--uts", "--pid", "--fork", "--mount-proc", "--kill-child"];
  const host = execa("unshare", [...namespaces, "sh", "-c", script, ...command], {
    input: JSON.stringify(terms),
    env: { OTHER_HOST: terms.root },
    reject: false,
    stderr: "inherit",
    buffer: false,
  });
  await new Promise<void>((resolve) => host.stdout.once("data", () => resolve()));
  return {
    killOrchestrator() {
      const named = livesWith(program, `OTHER_HOST=${terms.root}`);
      expect(named).toHaveLength(1);
      process.kill(named[0] ?? 0, "SIGKILL");
    },
    async [Symbol.asyncDispose]() {
      host.kill("SIGKILL");
      await host;
    },
  };
}

interface Lives extends Disposable {
  /** The live agents of this test's runs, by pid. */
  now(): readonly number[];
  /** The most that were ever seen at once. */
  most(): number;
}

/** Looks ten times a second at who lives, on both hosts. */
function watchLives(root: string): Lives {
  let most = 0;
  const now = (): readonly number[] => livesWith("raw-agent/agent.ts", `WAYBILL_INBOX=${root}`);
  const timer = setInterval(() => {
    most = Math.max(most, now().length);
  }, 100);
  return { now, most: () => most, [Symbol.dispose]: () => clearInterval(timer) };
}

/** The pids of live processes that run this program itself, and have this in their environment. */
function livesWith(file: string, variable: string): readonly number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/u.test(name))
    .filter((name) => {
      const [first, ...rest] = read(name, "cmdline").split("\0");
      return first === process.execPath && rest.some((word) => word.endsWith(file));
    })
    .filter((name) =>
      read(name, "environ")
        .split("\0")
        .some((each) => each.startsWith(variable)),
    )
    .map(Number);
}

/** Empty for a process that has ended meanwhile, and for a zombie. */
function read(pid: string, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8");
  } catch {
    return "";
  }
}

interface Way extends AsyncDisposable {
  readonly port: number;
  /** For good. */
  cut(): void;
}

/** A way to the database that can be cut, as a cable can. */
async function wayTo(port: number): Promise<Way> {
  const sockets = new Set<Socket>();
  const end = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  const server = createServer((near) => {
    const far = connect(port, "127.0.0.1");
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on("error", () => undefined); // "close" follows
    }
    near.on("close", () => far.destroy());
    far.on("close", () => near.destroy());
    near.pipe(far).pipe(near);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    cut() {
      server.close();
      end();
    },
    async [Symbol.asyncDispose]() {
      server.close();
      end();
    },
  };
}

function urlAt(url: string, port: number): string {
  const changed = new URL(url);
  changed.port = String(port);
  return changed.href;
}
