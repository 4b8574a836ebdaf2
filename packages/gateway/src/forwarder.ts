/*
 * Inside a run: gives programs that know no unix sockets, such as npm and git, a way to the named
 * upstreams. The gateway puts it beside the run's socket as one file, so it imports `node:` modules
 * alone and needs nothing of its image but Node 20.
 *
 *   node "$GATEWAY_FORWARDER" npm install left-pad
 *
 * runs the command with addresses on the loopback that lead there. It is no wall and holds no secret:
 * whoever can use it can as well write to the socket.
 */
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, realpathSync } from "node:fs";
import { Agent, createServer, request } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import { constants } from "node:os";
import { pipeline } from "node:stream";
import { fileURLToPath } from "node:url";

/** Variables of a program. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** An upstream as the run is told of it. */
interface Upstream {
  readonly name: string;
  /** The real address, which nobody in the run can reach. */
  readonly url: string;
  readonly client?: string;
}

/** An upstream's address on the loopback: a port of its own stands for the whole real host. */
interface Forwarded extends Upstream {
  readonly port: number;
}

/** Fewer than the requests that a run may have in flight, so that the model's have room. */
const CONNECTIONS = 16;

/** Headers that concern one connection, not the request. */
const OWN = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "transfer-encoding",
  "upgrade",
]);

/**
 * Listens for each upstream that the environment names, on a free port, and gives the environment in
 * which programs find them. Keeps no process alive.
 */
export async function openForwarder(env: Environment): Promise<Environment> {
  const socketPath = env["GATEWAY_SOCKET"];
  const named = env["GATEWAY_UPSTREAMS"];
  if (socketPath === undefined || named === undefined) return env;
  const upstreams = JSON.parse(named) as readonly Upstream[];
  const forwarded: Forwarded[] = [];
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  for (const upstream of upstreams) {
    const server = createServer({ requestTimeout: 0 }, (incoming, response) =>
      forward({ incoming, response, agent, socketPath, upstream, forwarded }),
    );
    server.listen(0, "127.0.0.1").unref();
    await once(server, "listening");
    const address = server.address();
    if (typeof address === "object" && address !== null)
      forwarded.push({ ...upstream, port: address.port });
  }
  return withAddresses(env, forwarded);
}

interface Exchange {
  readonly incoming: IncomingMessage;
  readonly response: ServerResponse;
  readonly agent: Agent;
  readonly socketPath: string;
  readonly upstream: Upstream;
  readonly forwarded: readonly Forwarded[];
}

function forward(exchange: Exchange): void {
  const { incoming, response, agent, socketPath, upstream, forwarded } = exchange;
  const base = basePath(upstream);
  const target = incoming.url ?? "/";
  const rest = target.slice(base.length);
  if (!target.startsWith(base) || !/^[/?]/.test(rest)) {
    return refuse(response, 403, `${upstream.name} leads to ${upstream.url} and what is below it.`);
  }
  const path = `/upstreams/${upstream.name}${rest.startsWith("/") ? rest : `/${rest}`}`;
  const headers = handedOn(incoming.rawHeaders).filter(([name]) => name.toLowerCase() !== "expect");
  const { method } = incoming;
  const call = request({ agent, socketPath, path, ...(method === undefined ? {} : { method }) });
  for (const [name, value] of headers) call.setHeader(name, value);
  call.on("response", (answer) => {
    const sent = handedOn(answer.rawHeaders).map(([name, value]): [string, string] =>
      name.toLowerCase() === "location" ? [name, reachable(value, forwarded)] : [name, value],
    );
    response.writeHead(answer.statusCode ?? 502, answer.statusMessage ?? "", sent.flat());
    // Whatever breaks off here breaks off there: a half answer must not look whole.
    pipeline(answer, response, (error) => void (error && response.destroy()));
  });
  call.on("error", (error) => {
    if (response.headersSent) response.destroy();
    else refuse(response, 502, `The gateway cannot be reached: ${error.message}`);
  });
  response.on("close", () => void (response.writableFinished || call.destroy()));
  incoming.pipe(call);
}

/** Pairs of names and values, without what concerns one connection. */
function handedOn(raw: readonly string[]): readonly [string, string][] {
  const pairs: [string, string][] = [];
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const [name = "", value = ""] = raw.slice(at, at + 2);
    if (!OWN.has(name.toLowerCase())) pairs.push([name, value]);
  }
  return pairs;
}

/** A redirect to the host of an upstream leads to that upstream's port; any other leads nowhere. */
function reachable(location: string, forwarded: readonly Forwarded[]): string {
  if (!URL.canParse(location)) return location; // relative: it stays on its port
  const { origin, pathname, search } = new URL(location);
  const to = forwarded.find(({ url }) => new URL(url).origin === origin);
  return to === undefined ? location : `http://127.0.0.1:${to.port}${pathname}${search}`;
}

function refuse(response: ServerResponse, status: number, message: string): void {
  response.writeHead(status, { "content-type": "text/plain", connection: "close" });
  response.end(`${message}\n`);
}

function basePath({ url }: Upstream): string {
  return new URL(url).pathname.replace(/\/$/, "");
}

/** What is set already stays: it is somebody's wish. */
function withAddresses(env: Environment, forwarded: readonly Forwarded[]): Environment {
  const added: Record<string, string> = {};
  const git: [string, string][] = [];
  for (const upstream of forwarded) {
    const origin = `http://127.0.0.1:${upstream.port}`;
    const address = `${origin}${basePath(upstream)}/`;
    added[`UPSTREAM_${upstream.name.toUpperCase().replaceAll("-", "_")}`] = address;
    if (upstream.client === "npm") Object.assign(added, npmVariables(address));
    if (upstream.client === "git")
      git.push([`url.${origin}/.insteadOf`, `${new URL(upstream.url).origin}/`]);
  }
  return { ...added, ...env, ...gitVariables(env, git) };
}

function npmVariables(registry: string): Readonly<Record<string, string>> {
  return {
    npm_config_registry: registry,
    // Packuments name tarballs by the registry's real host, which nobody here can reach.
    npm_config_replace_registry_host: "always",
    // What npm asks for besides would only be refused, and stand in the session's log.
    npm_config_audit: "false",
    npm_config_update_notifier: "false",
  };
}

/** Git's own way to be configured by variables; those that are there keep their numbers. */
function gitVariables(
  env: Environment,
  settings: readonly [string, string][],
): Readonly<Record<string, string>> {
  if (settings.length === 0) return {};
  const before = Number(env["GIT_CONFIG_COUNT"] ?? 0);
  const added: Record<string, string> = {};
  for (const [index, [key, value]] of settings.entries()) {
    added[`GIT_CONFIG_KEY_${before + index}`] = key;
    added[`GIT_CONFIG_VALUE_${before + index}`] = value;
  }
  added["GIT_CONFIG_COUNT"] = String(before + settings.length);
  // Nobody is there to be asked for a password: the gateway adds it, or there is none.
  return env["GIT_TERMINAL_PROMPT"] === undefined ? { ...added, GIT_TERMINAL_PROMPT: "0" } : added;
}

/** Runs a command in that environment and resolves with the code by which it ended. */
async function runCommand([command, ...args]: readonly string[]): Promise<number> {
  if (command === undefined) {
    process.stderr.write('Usage: node "$GATEWAY_FORWARDER" <command> [arguments]\n');
    return 64;
  }
  const env = await openForwarder(process.env);
  // First the handlers: the command may have been heard of before we go on.
  const running: { child?: ChildProcess } = {};
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const)
    process.on(signal, () => running.child?.kill(signal));
  const child = (running.child = spawn(command, args, { stdio: "inherit", env }));
  try {
    const [code, signal] = (await once(child, "exit")) as [number | null, NodeJS.Signals | null];
    return code ?? 128 + (signal === null ? 0 : constants.signals[signal]);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    process.stderr.write(`${command} cannot be run: ${reason}\n`);
    return 127;
  }
}

const [, program, ...command] = process.argv;
if (
  program !== undefined &&
  existsSync(program) &&
  realpathSync(program) === fileURLToPath(import.meta.url)
) {
  process.exitCode = await runCommand(command);
}
