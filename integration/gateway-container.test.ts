// From the inside of a container without network: what the agent's own Bash reaches, and what it does not.
import { createHash } from "node:crypto";
import { mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { scriptedModel, type ScriptedModel } from "@waybill/agent/testing";
import type { Gateway, SessionHandle } from "@waybill/core";
import { modelGateway, stopModelGateway, type ModelGatewayOptions } from "@waybill/gateway";
import { dockerTransport } from "@waybill/transport-docker";
import { scripted } from "./claude-host.ts";
import { describeWithDocker } from "./docker-engine.ts";
import { GIT_AUTHORIZATION, openGitHost } from "./gateway/git-host.ts";
import type { Probed } from "./gateway/probe.ts";
import { openRegistry, REGISTRY_TOKEN } from "./gateway/registry.ts";
import type { AuditEntry } from "./gateway/upstreams-bed.ts";
import { openTestHost, type TestHost } from "./host.ts";

const image = process.env["RUNNER_IMAGE"] ?? "team-board-agent:latest";
const realKey = "the-real-key-of-this-test";
const scope = { chats: ["7"], tasks: ["42"] };
const bash = (command: string): string =>
  `tool Bash ${JSON.stringify({ command, description: "Do as the test says", timeout: 60_000 })}`;

await describeWithDocker("in a container without network", [image], () => {
  let model: ScriptedModel;
  let root: string;
  const gateways: Gateway[] = [];
  beforeAll(async () => {
    model = await scriptedModel();
    root = await mkdtemp(join(tmpdir(), "wb-gw-"));
  });
  afterAll(async () => {
    await Promise.all(gateways.map((gateway) => gateway.close()));
    await stopModelGateway({ root });
    await rm(root, { recursive: true, force: true });
    await model.close();
  });

  const open = (options: Partial<ModelGatewayOptions>): Promise<TestHost> => {
    const credential = { apiKey: realKey };
    const gateway = modelGateway({ root, upstream: model.url, credential, ...options });
    gateways.push(gateway);
    const config = { model: "claude-scripted" };
    return openTestHost({ transport: dockerTransport({ image }), gateway, config });
  };
  /** All of the session's run, which it ends. */
  const audit = async (session: string): Promise<readonly AuditEntry[]> => {
    await stopModelGateway({ root });
    const folder = join(root, "audit");
    const names = await readdir(folder);
    const texts = await Promise.all(names.map((name) => readFile(join(folder, name), "utf8")));
    const lines = texts.flatMap((text) => text.trimEnd().split("\n"));
    const entries = lines.map((line) => JSON.parse(line) as AuditEntry & { session: string });
    return entries.filter((entry) => entry.session === session);
  };
  const fileOf = (host: TestHost, session: string, name: string): Promise<string> =>
    readFile(join(host.data, "mail", "sessions", session, "workspace", name), "utf8");

  test("npm installs, git clones and fetches, and neither finds what the gateway adds", async () => {
    await using registry = await openRegistry(["left-pad", "@team/tool"]);
    await using git = await openGitHost();
    await using host = await open({
      upstreams: {
        npm: {
          url: registry.url,
          client: "npm",
          allow: ["GET /*"],
          authorization: `Bearer ${REGISTRY_TOKEN}`,
        },
        git: {
          url: git.url,
          client: "git",
          allow: ["GET /team/app.git/info/refs", "POST /team/*/git-upload-pack"],
          authorization: GIT_AUTHORIZATION,
        },
      },
    });
    const session = await (await host.start()).open({ id: "tools", agent: "coder", scope });
    const address = `${git.url}/team/app.git`;
    const commands = [
      // The agent has opened the forwarder; a program of another image starts it by itself.
      "mkdir -p /workspace/p && cd /workspace/p && npm install --no-fund left-pad > ../npm.log 2>&1",
      'cd /workspace/p && node "$GATEWAY_FORWARDER" npm install --no-fund @team/tool >> ../npm.log 2>&1; echo "exit $?" >> ../npm.log',
      `cd /workspace/p && node -p 'require("left-pad") + ", " + require("@team/tool")' > ../required`,
      `cd /workspace && git clone --quiet ${address} app > git.log 2>&1`,
      "cd /workspace/app && git fetch --quiet >> ../git.log 2>&1 && git log -1 --format=%s > ../log",
      "cd /workspace/app && git -c user.name=A -c user.email=a@b commit -q --allow-empty -m mine && git push >> ../git.log 2>&1; echo $? > ../pushed",
      `cd /workspace && git clone ${git.url}/team/secret.git >> git.log 2>&1; echo $? > secret`,
    ];
    const turn = await session.ask(scripted("Go.", [...commands.map(bash), 'say "done"']));
    expect(turn.text).toBe("done");
    const found = (name: string): Promise<string> => fileOf(host, "tools", name);
    expect(await found("required"), await found("npm.log")).toBe(
      "I am left-pad, I am @team/tool\n",
    );
    expect(await found("log"), await found("git.log")).toBe("the second\n");
    expect(await found("pushed")).toBe("1\n");
    expect(await found("secret")).toBe("128\n");
    const entries = await audit("tools");
    const answered = entries.filter(({ outcome }) => outcome === "answered");
    expect(new Set(answered.map(({ upstream }) => upstream))).toEqual(
      new Set([undefined, "npm", "git"]),
    );
    const refused = entries.filter(({ outcome }) => outcome === "refused");
    expect(refused.map(({ method, path }) => `${method} ${path}`)).toEqual([
      "POST /upstreams/git/team/app.git/git-receive-pack",
      "GET /upstreams/git/team/secret.git/info/refs?service=git-upload-pack",
    ]);
    await expect.poll(() => reasonsOf(session)).toEqual(["path-not-allowed"]);
  });

  test("no search finds the real key, no network is there, and what is not allowed is refused and recorded", async () => {
    await using host = await open({ models: ["claude-scripted"] });
    const orchestrator = await host.start();
    const session = await orchestrator.open({ id: "probe", agent: "coder", scope });
    const program = await readFile(new URL("gateway/probe.ts", import.meta.url));
    const half = realKey.length / 2;
    const halves = [realKey.slice(0, half), realKey.slice(half)].join(" ");
    const turn = await session.ask(
      scripted("Look around.", [
        bash(`echo ${program.toString("base64")} | base64 -d > /tmp/probe.ts`),
        bash(
          `node /tmp/probe.ts ${halves} > /workspace/probed.json 2> /workspace/probe.err; echo $?`,
        ),
        'say "looked"',
      ]),
    );
    expect(turn).toMatchObject({ text: "looked" });
    expect(await fileOf(host, "probe", "probe.err")).toBe("");
    const probed = JSON.parse(await fileOf(host, "probe", "probed.json")) as Probed;
    expect(probed.hits).toEqual([]);
    const found = ["/proc/N/environ", "/proc/N/mem"];
    expect(probed.decoys.filter((place) => found.includes(place)).toSorted()).toEqual(found);
    expect(probed.searched.environments).toBeGreaterThan(2);
    expect(probed.searched.files).toBeGreaterThan(1_000);
    expect(probed.searched.memoryBytes).toBeGreaterThan(10_000_000);
    expect(probed.interfaces).toEqual(["lo"]);
    expect(probed.reached).toEqual([]);
    // Of the host one socket; the SDK's program has one of its own in the container's /tmp.
    const ofHost = probed.sockets.filter((each) => !each.startsWith("/tmp/"));
    expect(ofHost).toEqual(["/waybill/model/model.sock"]);

    // Inside there is a placeholder; outside, the key came with every request that passed.
    expect(probed.placeholder).toContain("placeholder");
    const sha256 = createHash("sha256").update(realKey).digest("hex").slice(0, 12);
    const sent = model.requests.filter(({ path }) => path.startsWith("/v1/messages"));
    expect(sent.length).toBeGreaterThan(0);
    for (const { credential } of sent) expect(credential).toEqual({ header: "x-api-key", sha256 });

    expect(probed.asked).toEqual({
      "GET /v1/models": 403,
      "POST /v1/messages/batches": 403,
      "POST /v1/../v1/messages": 403,
      "POST http://evil.example.com/v1/messages": 403,
      "POST /v1/messages (another model)": 403,
      "GET /upstreams/evil/x": 403,
      "GET /audit": 403,
      "CONNECT evil.example.com:443": 403,
      "a word of the orchestrator": 400,
    });
    const refused = (await audit("probe")).filter(({ outcome }) => outcome === "refused");
    expect(refused.map(({ reason }) => reason)).toEqual([
      "path-not-allowed",
      "path-not-allowed",
      "path-not-allowed",
      "path-not-allowed",
      "model-not-allowed",
      "upstream-not-allowed",
      "path-not-allowed",
      "tunnel",
      "malformed",
    ]);
    // The first of each reason is an event at once; the rest of its minute comes as a number.
    await expect
      .poll(() => reasonsOf(session))
      .toEqual([
        "malformed",
        "model-not-allowed",
        "path-not-allowed",
        "tunnel",
        "upstream-not-allowed",
      ]);
  }, 180_000);
});

/** Why the gateway refused requests, as the session's log has it. */
async function reasonsOf(session: SessionHandle): Promise<readonly string[]> {
  const reasons = new Set<string>();
  for await (const record of session.events({ until: "idle" })) {
    if (record.type === "GatewayRequestRefused") reasons.add(record.data.reason);
  }
  return [...reasons].toSorted();
}
