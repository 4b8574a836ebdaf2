// A package registry, a git host: by name, by list, with the host's own credential, on record.
import { expect, test } from "vitest";
import { modelGateway } from "../src/index.ts";
import { ask } from "./support/ask.ts";
import { REAL_KEY, gatewayBed, planOf, socketOf } from "./support/gateway-bed.ts";
import { readingsOf } from "./support/readings.ts";
import { stubUpstream } from "./support/stub-upstream.ts";
import { until } from "./support/until.ts";

const get = (path: string, method = "GET"): { method: string; path: string; body: string } => ({
  method,
  path,
  body: "",
});

test("a run reaches a named upstream by its path, with the host's credential and not the model's", async () => {
  await using upstream = await stubUpstream((response) => {
    response.writeHead(200, {
      etag: '"1"',
      "set-cookie": "a=b",
      "content-type": "application/json",
    });
    response.end("{}");
  });
  await using bed = gatewayBed("http://127.0.0.1:9");
  const npm = {
    url: `${upstream.url}/mirror/`,
    allow: ["GET /left-pad*", "GET /@scope%2f*"],
    authorization: () => "Basic c2VjcmV0",
  };
  const gateway = bed.gateway({ upstreams: { npm }, models: ["claude-only"] });
  const socket = socketOf(await gateway.attach(planOf("run-1")));
  const answer = await ask(socket, {
    ...get("/upstreams/npm/left-pad/-/left-pad-1.3.0.tgz"),
    headers: { authorization: "Bearer stolen", cookie: "c=1", accept: "*/*" },
  });
  const scoped = await ask(socket, get("/upstreams/npm/@scope%2fname"));

  expect([answer.status, scoped.status, answer.text]).toEqual([200, 200, "{}"]);
  expect(answer.headers).toMatchObject({ etag: '"1"' });
  expect(answer.headers["set-cookie"]).toBeUndefined();
  expect(upstream.asked.map(({ url }) => url)).toEqual([
    "/mirror/left-pad/-/left-pad-1.3.0.tgz",
    "/mirror/@scope%2fname",
  ]);
  expect(upstream.asked[0]!.headers).toMatchObject({ authorization: "Basic c2VjcmV0" });
  expect(JSON.stringify(upstream.asked)).not.toMatch(new RegExp(`stolen|c=1|${REAL_KEY}`));
  await until("both are recorded", () => bed.audit().length === 2);
  expect(bed.audit()[0]).toMatchObject({ upstream: "npm", outcome: "answered", status: 200 });
  // It costs no tokens.
  expect(await readingsOf(gateway)).toEqual([]);
});

test.each([
  ["another name", "/upstreams/git/left-pad"],
  ["no name", "/upstreams//left-pad"],
  ["a name alone", "/upstreams/npm"],
  ["a path that is not listed", "/upstreams/npm/right-pad"],
  ["a way up", "/upstreams/npm/left-pad/../secret"],
  ["a way up in other letters", "/upstreams/npm/left-pad/%2e%2e/secret"],
  ["a way up in letters of letters", "/upstreams/npm/left-pad/%252e%252e%252fsecret"],
  ["a way up behind an encoded slash", "/upstreams/npm/left-pad%2f..%2fsecret"],
  ["a backslash", "/upstreams/npm/left-pad%5c..%5csecret"],
  ["an empty folder", "/upstreams/npm/left-pad//x"],
  ["half a letter", "/upstreams/npm/left-pad%e2%82"],
  ["a query with other letters", "/upstreams/npm/left-pad?x='y'"],
])("%s is refused and on record", async (_, path) => {
  await using upstream = await stubUpstream();
  await using bed = gatewayBed(upstream.url);
  const npm = { url: upstream.url, allow: ["GET /left-pad*"] };
  const gateway = bed.gateway({ upstreams: { npm } });
  const socket = socketOf(await gateway.attach(planOf("run-1")));
  expect((await ask(socket, get(path))).status).toBe(403);
  expect(upstream.asked).toEqual([]);
  expect(await readingsOf(gateway)).toMatchObject([{ type: "refused", count: 1 }]);
});

test("a star in the middle stands for one folder, however it is spelt, and one at the end for the rest", async () => {
  await using upstream = await stubUpstream((response) => response.end("ok"));
  await using bed = gatewayBed(upstream.url);
  const allow = ["POST /team/*/git-upload-pack", "GET /team/*/info/*"];
  const gateway = bed.gateway({ upstreams: { git: { url: upstream.url, allow } } });
  const socket = socketOf(await gateway.attach(planOf("run-1")));
  const statusOf = async (method: string, path: string): Promise<number> =>
    (await ask(socket, get(`/upstreams/git${path}`, method))).status;
  expect(await statusOf("POST", "/team/app.git/git-upload-pack")).toBe(200);
  expect(await statusOf("GET", "/team/app.git/info/refs?service=git-upload-pack")).toBe(200);
  for (const [method, path] of [
    ["POST", "/team/app.git/git-receive-pack"],
    ["POST", "/team/sub/app.git/git-upload-pack"],
    ["POST", "/team/sub%2fapp.git/git-upload-pack"],
    ["POST", "/team/app.git/git-receive-pack%3f/git-upload-pack"],
    ["POST", "/team//git-upload-pack"],
    ["POST", "/team/app.git/git-upload-pack/more"],
    ["GET", "/team/app.git/git-upload-pack"],
  ] as const) {
    expect(await statusOf(method, path), `${method} ${path}`).toBe(403);
  }
  expect(upstream.asked).toHaveLength(2);
});

test("methods are listed as well, and bytes count against the session's budget", async () => {
  await using upstream = await stubUpstream((response) => response.end("x".repeat(5_000)));
  await using bed = gatewayBed(upstream.url);
  const git = { url: upstream.url, allow: ["POST /team/*"] };
  const gateway = bed.gateway({ upstreams: { git }, budget: { bytes: 6_000, tokens: 0 } });
  const socket = socketOf(await gateway.attach(planOf("run-1")));
  const fetchPack = { method: "POST", path: "/upstreams/git/team/app.git/git-upload-pack" };
  expect((await ask(socket, get(fetchPack.path))).status).toBe(403);
  const first = await ask(socket, {
    ...fetchPack,
    body: "want",
    headers: { "content-encoding": "gzip" },
  });
  expect([first.status, first.text.length]).toEqual([200, 5_000]);
  await expect(ask(socket, { ...fetchPack, body: "want" })).rejects.toMatchObject({
    code: "ECONNRESET",
  });
  expect((await ask(socket, { ...fetchPack, body: "want" })).status).toBe(402);
});

test("a wrong name, address or path is refused when the gateway is made", () => {
  const make = (upstreams: object): (() => unknown) => {
    return () => modelGateway({ credential: { apiKey: REAL_KEY }, ...{ upstreams } } as never);
  };
  expect(make({ "a b": { url: "http://x", allow: [] } })).toThrow("no upstream's name");
  expect(make({ a: { url: "ftp://x", allow: [] } })).toThrow(
    expect.objectContaining({ code: "GATEWAY_UPSTREAM_INVALID" }),
  );
  expect(make({ a: { url: "http://x", allow: ["GET x"] } })).toThrow("GET /left-pad*");
});
