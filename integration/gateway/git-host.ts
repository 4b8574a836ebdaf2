import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import type { AskedOf } from "./registry.ts";

/** A git host on this machine: `git http-backend` behind HTTP, with repositories `team/<name>.git`. */
export interface GitHost extends AsyncDisposable {
  readonly url: string;
  readonly asked: AskedOf[];
  /** A commit in `team/app.git`, made by somebody else: its hash. */
  commit(text: string): Promise<string>;
  /** The hash at which a branch of `team/app.git` stands. */
  head(branch: string): Promise<string>;
}

/** The whole header without which the git host gives nothing. */
export const GIT_AUTHORIZATION = `Basic ${Buffer.from("robot:git-password-41c9d2").toString("base64")}`;

/** So many branches that what a clone asks for is sent compressed. */
const BRANCHES = 60;

/** Opens a git host with two repositories, `team/app.git` and `team/secret.git`. */
export async function openGitHost(): Promise<GitHost> {
  const folder = await mkdtemp(join(tmpdir(), "wb-git-"));
  const root = join(folder, "root");
  const work = join(folder, "work");
  const git = async (cwd: string, ...args: string[]): Promise<string> =>
    (
      await execa("git", ["-c", "user.name=Ada", "-c", "user.email=ada@example.com", ...args], {
        cwd,
      })
    ).stdout;
  for (const name of ["app", "secret"]) {
    await mkdir(join(root, "team", `${name}.git`), { recursive: true });
    const repository = join(root, "team", `${name}.git`);
    await git(repository, "init", "--bare", "--quiet", "--initial-branch=main");
    await git(repository, "config", "http.receivepack", "true");
  }
  await mkdir(work);
  await git(work, "init", "--quiet", "--initial-branch=main");
  const commit = async (text: string): Promise<string> => {
    await writeFile(join(work, "README.md"), `${text}\n`);
    await git(work, "add", "-A");
    await git(work, "commit", "--quiet", "-m", text);
    await git(work, "push", "--quiet", "--all", join(root, "team", "app.git"));
    return git(work, "rev-parse", "HEAD");
  };
  await commit("the first");
  for (let branch = 1; branch <= BRANCHES; branch += 1) {
    await git(work, "commit", "--quiet", "--allow-empty", "-m", `branch ${branch}`);
    await git(work, "branch", `b${branch}`);
  }
  await commit("the second");

  const asked: AskedOf[] = [];
  const server = createServer((request, response) => {
    const { method = "", url = "", headers } = request;
    asked.push({ method, url, headers });
    if (headers.authorization === GIT_AUTHORIZATION) return void backend(root, request, response);
    request.resume();
    response.writeHead(401, { "www-authenticate": 'Basic realm="git"' }).end();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    commit,
    head: (branch) => git(join(root, "team", "app.git"), "rev-parse", branch),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** One request through git's own CGI program. */
async function backend(
  root: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { pathname, search } = new URL(request.url ?? "/", "http://git");
  const header = (name: string): string => String(request.headers[name] ?? "");
  const program = spawn("git", ["http-backend"], {
    env: {
      PATH: process.env["PATH"],
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: "1",
      // It belongs to whoever runs the test, which may be root's folder for another user.
      GIT_CONFIG_COUNT: "1",
      GIT_CONFIG_KEY_0: "safe.directory",
      GIT_CONFIG_VALUE_0: "*",
      REMOTE_USER: "robot",
      PATH_INFO: pathname,
      QUERY_STRING: search.slice(1),
      REQUEST_METHOD: request.method,
      CONTENT_TYPE: header("content-type"),
      HTTP_CONTENT_ENCODING: header("content-encoding"),
      GIT_PROTOCOL: header("git-protocol"),
      ...(request.headers["content-length"] === undefined
        ? {}
        : { CONTENT_LENGTH: header("content-length") }),
    },
    stdio: ["pipe", "pipe", "inherit"],
  });
  request.pipe(program.stdin);
  program.stdin.on("error", () => undefined); // it may have heard enough
  let head = Buffer.alloc(0);
  for await (const chunk of program.stdout as AsyncIterable<Buffer>) {
    if (response.headersSent) {
      response.write(chunk);
      continue;
    }
    head = Buffer.concat([head, chunk]);
    const end = head.indexOf("\r\n\r\n");
    if (end === -1) continue;
    sendHead(response, head.subarray(0, end).toString());
    response.write(head.subarray(end + 4));
  }
  response.end();
}

function sendHead(response: ServerResponse, head: string): void {
  const fields = head.split("\r\n").map((line): [string, string] => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
  });
  const { status = "200", ...headers } = Object.fromEntries(fields);
  response.writeHead(Number.parseInt(status), headers);
}
