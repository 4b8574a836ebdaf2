// Real npm and real git through named upstreams: credentials that they never see, and a record of all.
import { mkdir, readFile, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { expect, test } from "vitest";
import { GIT_AUTHORIZATION, openGitHost } from "./gateway/git-host.ts";
import { openRegistry, REGISTRY_TOKEN } from "./gateway/registry.ts";
import { openUpstreamsBed, type UpstreamsBed } from "./gateway/upstreams-bed.ts";

const bearer = { authorization: `Bearer ${REGISTRY_TOKEN}` };

/** How a command ended. */
interface Ended {
  readonly exitCode?: number | undefined;
  readonly stderr: string;
}

/** A command of the run, started as an image or an agent would: behind the forwarder. */
async function inRun(bed: UpstreamsBed, cwd: string, ...command: string[]): Promise<Ended> {
  const env = await bed.attach();
  await mkdir(cwd, { recursive: true });
  const forwarder = env["GATEWAY_FORWARDER"] ?? "";
  const options = { cwd, env, extendEnv: false, reject: false, timeout: 60_000 } as const;
  return execa(process.execPath, [forwarder, ...command], options);
}

test("npm installs packages, plain and scoped, with a token that it never sees", async () => {
  await using registry = await openRegistry(["left-pad", "@team/tool"]);
  const npm = { url: registry.url, client: "npm", allow: ["GET /*"], ...bearer } as const;
  await using bed = await openUpstreamsBed({ npm });
  const app = join(bed.home, "app");
  const installed = await inRun(bed, app, "npm", "install", "left-pad", "@team/tool");
  expect(installed.exitCode, installed.stderr).toBe(0);
  const asked = 'console.log(require("left-pad"), "and", require("@team/tool"))';
  const { stdout } = await execa("node", ["-e", asked], { cwd: app });
  expect(stdout).toBe("I am left-pad and I am @team/tool");

  // Each tarball was named by a host that is not there, and moved once more.
  expect(registry.asked.map(({ method, url }) => `${method} ${url}`).toSorted()).toEqual([
    "GET /@team%2ftool",
    "GET /@team/tool/-/tool-1.0.0.tgz",
    "GET /@team/tool/-/tool-1.0.0.tgz?moved",
    "GET /left-pad",
    "GET /left-pad/-/left-pad-1.0.0.tgz",
    "GET /left-pad/-/left-pad-1.0.0.tgz?moved",
  ]);
  const audit = await bed.audit();
  expect(audit.map(({ upstream, outcome }) => [upstream, outcome])).toEqual(
    Array.from({ length: 6 }, () => ["npm", "answered"]),
  );
  expect(await filesWith(bed.home, REGISTRY_TOKEN)).toEqual([]);
  expect(JSON.stringify(await bed.attach())).not.toContain(REGISTRY_TOKEN);
});

test("npm gets no package that is not listed, and publishes none; both are on record", async () => {
  await using registry = await openRegistry(["left-pad", "right-pad"]);
  const allow = ["GET /left-pad", "GET /left-pad/*"];
  const npm = { url: registry.url, client: "npm", allow, ...bearer } as const;
  await using bed = await openUpstreamsBed({ npm });
  const app = join(bed.home, "app");
  const other = await inRun(bed, app, "npm", "install", "right-pad");
  expect([other.exitCode, other.stderr]).toEqual([
    1,
    expect.stringMatching(/403 .*right-pad - Waybill's gateway: this method and path are not/),
  ]);
  await writeFile(join(app, "package.json"), '{"name":"left-pad","version":"2.0.0"}');
  const publish = 'npm publish "--${npm_config_registry#http:}:_authToken=mine"';
  const published = await inRun(bed, app, "bash", "-c", publish);
  expect(published.exitCode).not.toBe(0);
  expect(
    registry.asked.filter(({ method, url }) => method !== "GET" || url !== "/left-pad"),
  ).toEqual([]);
  const refused = (await bed.audit()).filter(({ outcome }) => outcome === "refused");
  expect(refused).toContainEqual(
    expect.objectContaining({
      upstream: "npm",
      method: "GET",
      path: "/upstreams/npm/right-pad",
      reason: "path-not-allowed",
    }),
  );
  expect(refused).toContainEqual(
    expect.objectContaining({ method: "PUT", path: "/upstreams/npm/left-pad" }),
  );
  expect(await bed.readings()).toContainEqual(
    expect.objectContaining({ type: "refused", reason: "path-not-allowed" }),
  );
});

test("git clones and fetches with a password that it never sees", async () => {
  await using host = await openGitHost();
  await using bed = await openUpstreamsBed({ git: readOnly(host.url) });
  const address = `${host.url}/team/app.git`;
  const cloned = await inRun(bed, bed.home, "git", "clone", "--quiet", address, "app");
  expect(cloned.exitCode, cloned.stderr).toBe(0);
  const third = await host.commit("the third");
  const app = join(bed.home, "app");
  const fetched = await inRun(bed, app, "git", "fetch", "--quiet");
  expect(fetched.exitCode, fetched.stderr).toBe(0);
  const { stdout } = await execa("git", ["rev-parse", "origin/main"], { cwd: app });
  expect(stdout).toBe(third);
  // It remembers the real address, and what it asks for was large enough to be compressed.
  expect(await readFile(join(app, ".git", "config"), "utf8")).toContain(`url = ${address}`);
  expect(host.asked.some(({ headers }) => headers["content-encoding"] === "gzip")).toBe(true);
  expect(host.asked.every(({ headers }) => headers["git-protocol"] === "version=2")).toBe(true);
  expect((await bed.audit()).every(({ outcome }) => outcome === "answered")).toBe(true);
  const [, password = ""] = GIT_AUTHORIZATION.split(" ");
  expect(await filesWith(bed.home, password)).toEqual([]);
});

test("git pushes nothing where only reading is listed, and reaches no other repository", async () => {
  await using host = await openGitHost();
  await using bed = await openUpstreamsBed({ git: readOnly(host.url) });
  const app = join(bed.home, "app");
  await inRun(bed, bed.home, "git", "clone", "--quiet", `${host.url}/team/app.git`, "app");
  const before = await host.head("main");
  await commitIn(app, "mine");
  const pushed = await inRun(bed, app, "git", "push", "origin", "main");
  expect([pushed.exitCode, pushed.stderr]).toEqual([1, expect.stringContaining("403")]);
  expect(await host.head("main")).toBe(before);
  const other = await inRun(bed, bed.home, "git", "clone", `${host.url}/team/secret.git`);
  expect([other.exitCode, other.stderr]).toEqual([128, expect.stringContaining("403")]);
  expect(other.stderr).toContain("remote: Waybill's gateway: this method and path are not allowed");
  expect(host.asked.some(({ method, url }) => method === "POST" && url.includes("receive"))).toBe(
    false,
  );
  expect(host.asked.some(({ url }) => url.includes("secret"))).toBe(false);
  const refused = (await bed.audit()).filter(({ outcome }) => outcome === "refused");
  expect(refused.map(({ method, path, reason }) => [method, path, reason])).toEqual([
    ["POST", "/upstreams/git/team/app.git/git-receive-pack", "path-not-allowed"],
    ["GET", "/upstreams/git/team/secret.git/info/refs?service=git-upload-pack", "path-not-allowed"],
  ]);
});

test("git pushes where that is listed, a large pack in pieces of unknown number", async () => {
  await using host = await openGitHost();
  const git = readOnly(host.url);
  const allow = [...git.allow, "POST /team/app.git/git-receive-pack"];
  await using bed = await openUpstreamsBed({ git: { ...git, allow } });
  const app = join(bed.home, "app");
  await inRun(bed, bed.home, "git", "clone", "--quiet", `${host.url}/team/app.git`, "app");
  const noise = Buffer.from(Array.from({ length: 3_000_000 }, () => Math.random() * 256));
  await writeFile(join(app, "large.bin"), noise);
  const mine = await commitIn(app, "mine");
  const pushed = await inRun(bed, app, "git", "push", "origin", "main");
  expect(pushed.exitCode, pushed.stderr).toBe(0);
  expect(await host.head("main")).toBe(mine);
  const packs = host.asked.filter(({ url }) => url.endsWith("/git-receive-pack"));
  expect(packs.at(-1)?.headers["transfer-encoding"]).toBe("chunked");
});

test("curl waits for 100 Continue with a large body, and follows a redirect to the upstream's real address", async () => {
  await using host = await openGitHost();
  await using registry = await openRegistry(["left-pad"]);
  const git = { ...readOnly(host.url), allow: ["GET /*", "POST /*"] };
  const npm = { url: registry.url, allow: ["GET /*"], ...bearer };
  await using bed = await openUpstreamsBed({ git, npm });
  const env = await bed.attach();
  const body = join(bed.home, "body");
  await writeFile(body, "x".repeat(200_000));
  const script = [
    'curl -sS -D - -o /dev/null -H "Expect: 100-continue" --data-binary "@$1" "${UPSTREAM_GIT}team/none.git/git-upload-pack"',
    'curl -sS -L -o /dev/null -w "%{http_code} %{size_download} %{url_effective}" "${UPSTREAM_NPM}left-pad/-/left-pad-1.0.0.tgz"',
  ];
  const { stdout } = await execa(
    process.execPath,
    [env["GATEWAY_FORWARDER"] ?? "", "bash", "-c", script.join("; "), "bash", body],
    { env, extendEnv: false },
  );
  expect(stdout).toMatch(/^HTTP\/1.1 100 Continue/);
  expect(stdout).toMatch(/HTTP\/1.1 404 Not Found/);
  expect(stdout).toMatch(
    /200 \d{3,} http:\/\/127\.0\.0\.1:\d+\/left-pad\/-\/left-pad-1\.0\.0\.tgz\?moved$/,
  );
});

function readOnly(url: string): {
  readonly url: string;
  readonly client: "git";
  readonly allow: readonly string[];
  readonly authorization: string;
} {
  const allow = ["GET /team/app.git/info/refs", "POST /team/app.git/git-upload-pack"];
  return { url, client: "git", allow, authorization: GIT_AUTHORIZATION };
}

async function commitIn(folder: string, text: string): Promise<string> {
  const ada = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com"];
  await execa("git", ["add", "-A"], { cwd: folder });
  await execa("git", [...ada, "commit", "--quiet", "--allow-empty", "-m", text], { cwd: folder });
  return (await execa("git", ["rev-parse", "HEAD"], { cwd: folder })).stdout;
}

async function filesWith(folder: string, text: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const found: string[] = [];
  for (const entry of entries.filter((each) => each.isFile())) {
    const path = join(entry.parentPath, entry.name);
    if ((await readFile(path)).includes(text)) found.push(path);
  }
  return found;
}
