import { systemClock, type Mailbox, type RunPlan, type RunSpec } from "@waybill/core";
import { contractTerms, FakeHost, fakeGateway } from "@waybill/core/testing";
import type {
  ContractAgent,
  ContractPlanRequest,
  FakeRun,
  GatewayFixture,
  MailboxFixture,
  TransportFixture,
} from "@waybill/core/testing";
import { actedProgram, type Disk } from "./acted-program.ts";

/** A fake machine on which the transport contract's programs are acted out, in real time. */
export async function fakeTransportFixture(): Promise<TransportFixture> {
  const host = new FakeHost({}, systemClock());
  const mailbox = host.mailbox();
  const transport = host.transport();
  const disk: Disk = new Map();
  const spec = specs();
  return {
    transport,
    another: async () => host.transport(),
    plan: async (request) => {
      const { owner, lease } = request;
      const prepared = await mailbox.prepare(
        spec({
          ...(owner === undefined ? {} : { owner }),
          ...(lease === undefined ? {} : { lease }),
        }),
      );
      runOf(host, prepared).program = actedProgram(request.program, disk);
      return furnished(prepared, request, disk);
    },
    output: async (plan, stream) => disk.get(plan[stream].host) ?? "",
    extendLease: async (plan, until) => mailbox.leases?.extend(plan, until),
    unreachable: async () => {
      const answerAgain = host.fallSilent();
      return async () => answerAgain();
    },
    [Symbol.asyncDispose]: async () => {
      for (const run of host.live())
        run.end({ exitCode: null, signal: "SIGKILL", oomKilled: false });
      await transport.close();
    },
  };
}

/** A fake machine whose agents say and read what the mailbox contract wants. */
export async function fakeMailboxFixture(): Promise<MailboxFixture & { readonly host: FakeHost }> {
  const host = new FakeHost({}, systemClock());
  const mailboxes: Mailbox[] = [];
  const another = (): Mailbox => {
    const mailbox = host.mailbox();
    mailboxes.push(mailbox);
    return mailbox;
  };
  return {
    host,
    mailbox: another(),
    another: async () => another(),
    run: specs(),
    agent: (plan) => agentOf(runOf(host, plan)),
    [Symbol.asyncDispose]: async () => {
      for (const mailbox of mailboxes) await mailbox.close();
    },
  };
}

/** A fake gateway whose runs ask for what the gateway contract wants. */
export async function fakeGatewayFixture(): Promise<GatewayFixture> {
  const { model, usdPerToken } = contractTerms;
  const fake = fakeGateway({ models: [model], usdPerToken });
  const spec = specs();
  return {
    gateway: fake.gateway(),
    another: async () => fake.gateway(),
    // Its books are an object: there is nothing beside them that could die.
    restart: async () => {},
    plan: (change = {}) => ({ ...nowhere(spec()), ...change }),
    ask: async ({ env }, request) => {
      const cache = { cacheReadTokens: 0, cacheWriteTokens: 0 };
      const answer = fake.ask(env, { ...request, ...cache, costUsd: null });
      return typeof answer === "object" ? "refused" : answer;
    },
    [Symbol.asyncDispose]: async () => {},
  };
}

/** A plan of which a gateway reads only whose it is. */
function nowhere({ owner, sessionId, runId, epoch, protocol }: RunSpec): RunPlan {
  const place = { host: "/nowhere", at: "/nowhere" };
  const streams = { stdin: place, stdout: place, stderr: place, launch: place };
  const ids = { owner, sessionId, runId, epoch, protocol };
  return { ...ids, ...streams, control: "/nowhere", user: null, folders: [], env: {}, cwd: "/" };
}

function agentOf(run: FakeRun): ContractAgent {
  return {
    start: async () => run.stdin,
    say: async (word) => void run.say(word),
    babble: async () =>
      void run.say({ type: "unreadable", code: "NO_SENSE", reason: "It makes no sense." }),
    skip: async () => run.skip(),
    beat: async () => run.beat(),
    show: async (activity) => run.show(activity),
    letters: async () => run.letters,
  };
}

function furnished(plan: RunPlan, request: ContractPlanRequest, disk: Disk): RunPlan {
  const { stdin, letter, env = {} } = request;
  if (stdin !== undefined) disk.set(plan.stdin.host, stdin);
  const [workspace] = plan.folders;
  if (letter === undefined || workspace === undefined) return { ...plan, env };
  disk.set(`${workspace.host}/letter.txt`, letter);
  const named = { CONTRACT_LETTER: { folder: workspace.at, file: "letter.txt" } };
  return { ...plan, env: { ...env, ...named } };
}

function specs(): (change?: Partial<RunSpec>) => RunSpec {
  let count = 0;
  return (change = {}) => {
    count += 1;
    return {
      owner: "contract",
      sessionId: `session-${count}`,
      runId: `run-${count}`,
      epoch: 1,
      protocol: 1,
      agent: { slug: "coder", name: "Coder" },
      conversation: { id: `conversation-${count}`, resume: false },
      unsettled: [],
      prompt: null,
      config: {},
      runsAs: "host",
      ...change,
    };
  };
}

function runOf(host: FakeHost, { runId }: RunPlan): FakeRun {
  const run = host.runs.get(runId);
  if (run === undefined) throw new TypeError(`Run ${runId} was never prepared.`);
  return run;
}
