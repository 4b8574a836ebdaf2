// The program beside a run's socket: a real gateway behind it, and plain HTTP before it.
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { stopModelGateway } from "../src/index.ts";
import { openForwarder, type Environment } from "../src/forwarder.ts";
import { gatewayBed, planOf, type GatewayBed } from "./support/gateway-bed.ts";
import { stubUpstream } from "./support/stub-upstream.ts";

type Upstreams = NonNullable<Parameters<GatewayBed["gateway"]>[0]>["upstreams"];

/** What the run is given, with paths as this machine sees them. */
async function environmentOf(
  bed: GatewayBed,
  upstreams: Upstreams = {},
  gateway = bed.gateway({ upstreams }),
): Promise<Environment> {
  const { env, folders } = await gateway.attach(planOf("run-1"));
  const entries = Object.entries(env).map(([name, value]): [string, string] => {
    if (typeof value === "string") return [name, value];
    return [name, path.join(folders[0]!.host, value.file ?? "")];
  });
  return { PATH: process.env["PATH"], ...Object.fromEntries(entries) };
}

test("a run without upstreams gets no forwarder and no addresses", async () => {
  await using bed = gatewayBed("http://127.0.0.1:9");
  const env = await environmentOf(bed, {});
  expect(Object.keys(env).filter((name) => name.includes("GATEWAY"))).toEqual([]);
  expect(await openForwarder(env)).toBe(env);
});

test("a port stands for the upstream's whole host, and its own path is part of the address", async () => {
  await using upstream = await stubUpstream((response) => response.end("here"));
  await using bed = gatewayBed("http://127.0.0.1:9");
  const url = `${upstream.url}/npm/mirror`;
  const env = await environmentOf(bed, { npm: { url, client: "npm", allow: ["GET /*"] } });
  const opened = await openForwarder(env);
  const address = opened["UPSTREAM_NPM"] ?? "";
  expect(address).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/npm\/mirror\/$/);
  expect(opened).toMatchObject({
    npm_config_registry: address,
    npm_config_replace_registry_host: "always",
  });
  expect(await textOf(new URL("left-pad", address))).toBe("here");
  // npm puts a tarball's whole path behind the registry's host.
  expect(await textOf(new URL("/npm/mirror/left-pad/-/x.tgz", address))).toBe("here");
  expect(upstream.asked.map((asked) => asked.url)).toEqual([
    "/npm/mirror/left-pad",
    "/npm/mirror/left-pad/-/x.tgz",
  ]);
  for (const outside of ["/", "/npm", "/npm/mirrors/x", "/npm/other"]) {
    expect((await fetch(new URL(outside, address))).status, outside).toBe(403);
  }
  expect(upstream.asked).toHaveLength(2);
});

test("a redirect leads to the port of whichever upstream has that host, and else stays as it is", async () => {
  await using files = await stubUpstream((response) => response.end("the file"));
  await using upstream = await stubUpstream((response, { url }) => {
    const to: Record<string, string> = {
      "/other": `${files.url}/file?x=1`,
      "/near": "/here",
      "/far": "https://files.example.com/file",
    };
    response.writeHead(url === "/here" ? 200 : 302, { location: to[url] ?? "" });
    response.end(url === "/here" ? "here" : "");
  });
  await using bed = gatewayBed("http://127.0.0.1:9");
  const allow = ["GET /*"];
  const env = await environmentOf(bed, {
    "the-host": { url: upstream.url, allow },
    files: { url: files.url, allow },
  });
  const address = (await openForwarder(env))["UPSTREAM_THE_HOST"] ?? "";
  expect(await textOf(new URL("/other", address))).toBe("the file");
  expect(files.asked.map(({ url }) => url)).toEqual(["/file?x=1"]);
  expect(await textOf(new URL("/near", address))).toBe("here");
  const far = await fetch(new URL("/far", address), { redirect: "manual" });
  expect(far.headers.get("location")).toBe("https://files.example.com/file");
});

test("an answer that breaks off does not look whole, and a run that leaves ends the upstream's work", async () => {
  await using upstream = await stubUpstream((response, { url }) => {
    response.writeHead(200, { "content-length": "1000" });
    response.write("half");
    if (url === "/half") setTimeout(() => response.destroy(), 20);
  });
  await using bed = gatewayBed("http://127.0.0.1:9");
  const env = await environmentOf(bed, { host: { url: upstream.url, allow: ["GET /*"] } });
  const address = (await openForwarder(env))["UPSTREAM_HOST"] ?? "";
  await expect(textOf(new URL("/half", address))).rejects.toThrow("terminated");
  const leaving = new AbortController();
  const answer = await fetch(new URL("/endless", address), { signal: leaving.signal });
  expect(upstream.abandoned()).toBe(1);
  leaving.abort();
  await expect(answer.text()).rejects.toThrow("abort");
  await expect.poll(() => upstream.abandoned()).toBe(2);
});

test("while no gateway is there the answer is 502, and with the next one it goes on", async () => {
  await using upstream = await stubUpstream((response) => response.end("here"));
  await using bed = gatewayBed("http://127.0.0.1:9");
  const upstreams = { host: { url: upstream.url, allow: ["GET /*"] } };
  const gateway = bed.gateway({ upstreams });
  const env = await environmentOf(bed, upstreams, gateway);
  const address = new URL((await openForwarder(env))["UPSTREAM_HOST"] ?? "");
  expect(await textOf(address)).toBe("here");
  await gateway.close();
  await stopModelGateway({ root: bed.root });
  const missing = await fetch(address);
  expect([missing.status, await missing.text()]).toEqual([502, expect.stringContaining("gateway")]);
  await environmentOf(bed, upstreams);
  expect(await textOf(address)).toBe("here");
});

test("settings of the run's own stay, and git's keep their numbers", async () => {
  await using bed = gatewayBed("http://127.0.0.1:9");
  const git = { client: "git", allow: [], url: "https://git.example.com/sub" } as const;
  const npm = { client: "npm", allow: [], url: "https://npm.example.com" } as const;
  const env = await environmentOf(bed, { git, npm });
  const own = {
    GIT_CONFIG_COUNT: "1",
    GIT_CONFIG_KEY_0: "a.b",
    npm_config_registry: "http://mine",
  };
  const opened = await openForwarder({ ...env, ...own });
  const [port] = /:\d+/.exec(opened["UPSTREAM_GIT"] ?? "") ?? [];
  expect(opened).toMatchObject({
    ...own,
    GIT_CONFIG_COUNT: "2",
    GIT_CONFIG_KEY_1: `url.http://127.0.0.1${port}/.insteadOf`,
    GIT_CONFIG_VALUE_1: "https://git.example.com/",
    GIT_TERMINAL_PROMPT: "0",
  });
});

test("it is one file for any Node, and ends as its command ends", async () => {
  await using bed = gatewayBed("http://127.0.0.1:9");
  const env = await environmentOf(bed, { host: { url: "http://127.0.0.1:9", allow: [] } });
  const file = env["GATEWAY_FORWARDER"] ?? "";
  expect((statSync(file).mode & 0o777).toString(8)).toBe("644");
  const imports = [...readFileSync(file, "utf8").matchAll(/ from "(.*)";/g)].map(
    ([, name]) => name,
  );
  expect(imports.every((name) => name?.startsWith("node:"))).toBe(true);

  const run = (...command: string[]): ReturnType<typeof spawnSync> =>
    spawnSync(process.execPath, [file, ...command], { env, encoding: "utf8" });
  const printed = run("sh", "-c", 'echo "$UPSTREAM_HOST"; exit 7');
  expect([printed.status, printed.stdout]).toEqual([
    7,
    expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/\n$/),
  ]);
  expect(run("sh", "-c", "kill -9 $$").status).toBe(137);
  expect([run().status, run("no-such-command").status]).toEqual([64, 127]);
  const waits = spawn(
    process.execPath,
    [file, "sh", "-c", "trap 'exit 3' TERM; echo up; sleep 30 & wait"],
    { env },
  );
  await once(waits.stdout, "data");
  waits.kill("SIGTERM");
  expect(await once(waits, "exit")).toEqual([3, null]);
});

test("the forwarder goes with the run's folder", async () => {
  await using bed = gatewayBed("http://127.0.0.1:9");
  const env = await environmentOf(bed, { host: { url: "http://127.0.0.1:9", allow: [] } });
  await bed.gateway().detach({ sessionId: "task-42", runId: "run-1" });
  expect(existsSync(env["GATEWAY_FORWARDER"] ?? "")).toBe(false);
});

async function textOf(url: URL): Promise<string> {
  return (await fetch(url)).text();
}
