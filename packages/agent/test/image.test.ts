import { execFileSync, spawn, spawnSync } from "node:child_process";
import type { ChildProcessWithoutNullStreams } from "node:child_process";
import { randomUUID } from "node:crypto";
import { chownSync, chmodSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { agentFixture } from "./agent-fixture.ts";
import { lastRequest, requestsOf } from "./model-requests.ts";
import { newHome, removeHome, script } from "./run-harness.ts";
import type { Run, RunFolders, RunOptions } from "./run-harness.ts";

const IMAGE = process.env["RUNNER_IMAGE"] ?? "team-board-agent:latest";
/** No account's uid: a root host gives each session one of its own. */
const UID = process.getuid?.() === 0 ? 54_321 : (process.getuid?.() ?? 54_321);

const missing = whyMissing();
if (missing !== null && (process.env["WAYBILL_REQUIRE"] ?? "").includes("docker")) {
  throw new Error(`WAYBILL_REQUIRE names docker, and the image's tests cannot run. ${missing}`);
}

describe.skipIf(missing !== null)(
  `the image ${missing === null ? "" : `(skipped: ${missing})`}`,
  () => {
    const at = agentFixture();
    const names: string[] = [];
    let socketFolder: string;
    let forwarder: ReturnType<typeof createServer>;

    beforeAll(async () => {
      socketFolder = newHome();
      forwarder = createServer((inside) => {
        const outside = connect(Number(new URL(at.model.url).port), "127.0.0.1");
        inside.pipe(outside).pipe(inside);
        inside.on("error", () => outside.destroy());
        outside.on("error", () => inside.destroy());
      });
      await new Promise<void>((resolve) =>
        forwarder.listen(join(socketFolder, "model.sock"), resolve),
      );
      chmodSync(join(socketFolder, "model.sock"), 0o600);
      chmodSync(socketFolder, 0o755);
      chownSync(join(socketFolder, "model.sock"), UID, UID);
    });
    afterAll(() => {
      forwarder.close();
      removeHome(socketFolder);
    });
    afterEach(() => {
      for (const name of names.splice(0)) spawnSync("docker", ["rm", "-f", name]);
    });

    /** As DOCKER.md starts it, with every limit on. */
    function inContainer(
      { home, inbox, outbox }: RunFolders,
      options: RunOptions,
    ): ChildProcessWithoutNullStreams {
      const name = `waybill-agent-test-${randomUUID().slice(0, 8)}`;
      names.push(name);
      const mounts = [
        [join(home, "workspace"), "/workspace", true],
        [join(home, "state"), "/waybill/state", true],
        [outbox, "/waybill/outbox", true],
        [inbox, "/waybill/inbox", false],
        [socketFolder, "/waybill/model", false],
      ] as const;
      for (const [host, , write] of mounts) if (write) chownSync(host, UID, UID);
      const env = {
        WAYBILL_PROTOCOL: "1",
        WAYBILL_INBOX: "/waybill/inbox",
        WAYBILL_OUTBOX: "/waybill/outbox",
        WAYBILL_STATE: "/waybill/state",
        WAYBILL_WORKSPACE: "/workspace",
        ANTHROPIC_UNIX_SOCKET: "/waybill/model/model.sock",
        ANTHROPIC_BASE_URL: "http://localhost",
        ...options.env,
      };
      const limits =
        "--init --network none --read-only --tmpfs /tmp:rw,nosuid,nodev,size=64m --cap-drop ALL " +
        "--security-opt no-new-privileges --memory 512m --memory-swap 512m --pids-limit 128 --ulimit core=0";
      const argv = [
        ...`run -i --rm --name ${name} --user ${UID}:${UID} ${limits}`.split(" "),
        ...mounts.flatMap(([host, inside, write]) => [
          "--mount",
          `type=bind,src=${host},dst=${inside}${write ? "" : ",readonly"}`,
        ]),
        ...Object.entries(env).flatMap(([key, value]) => ["-e", `${key}=${value}`]),
        IMAGE,
      ];
      return spawn("docker", argv, { detached: true });
    }
    const start = (options: Partial<RunOptions> = {}): Run =>
      at.start({ spawn: inContainer, ...options });

    test("a whole session passes under every limit, and another container remembers it", async () => {
      const first = start();
      expect((await first.word("hello")).context).toBe("fresh");
      first.send(
        "m-1",
        script(
          `tool task_take {"task":"t-1"}`,
          `tool Bash {"command":"git --version && echo written > /workspace/file && id -u && ls -A /tmp | head -3"}`,
          "say The word is marzipan.",
        ),
      );
      expect((await first.word("turn_ended")).outcome).toBe("completed");
      first.close();
      expect((await first.exit()).code).toBe(0);
      expect(first.stderr()).toBe("");
      expect(first.stdout()).toBe("");
      const [, shell] = lastRequest(at.model, at.conversation).results;
      expect(shell).toMatch(/git version/);
      expect(shell).toContain(String(UID));
      expect(readdirSync(join(at.home, "workspace"))).toEqual(["file"]);

      const second = start({ resume: true, unsettled: ["m-1"] });
      expect(await second.word("hello")).toMatchObject({ context: "resumed", holds: ["m-1"] });
      second.send("m-2", script("recall /word is (\\w+)/"));
      expect((await second.word("turn_ended")).text).toBe("marzipan");
    });

    test("docker stop in mid-turn: interrupted, bye, and out within the grace", async () => {
      const run = start({ answer: () => null });
      run.send("m-1", script(`tool task_get {"task":"t-1"}`, "say never"));
      await run.word("operation");
      const begun = Date.now();
      execFileSync("docker", ["stop", "-t", "10", names.at(-1)!]);
      expect(Date.now() - begun).toBeLessThan(8_000);
      expect((await run.exit()).code).toBe(0);
      expect(run.words.slice(-2)).toMatchObject([
        { type: "turn_ended", outcome: "interrupted" },
        { type: "bye" },
      ]);
    });

    test("docker kill in mid-tool: the next container says that its transcript holds the message", async () => {
      const first = start({ answer: () => null });
      first.send("m-1", script(`tool task_get {"task":"t-1"}`, "say finished after the kill"));
      await first.word("operation");
      execFileSync("docker", ["kill", names.at(-1)!]);
      await first.exit();
      const second = start({ resume: true, unsettled: ["m-1"] });
      expect((await second.word("hello")).holds).toEqual(["m-1"]);
      second.send("c-1", "Go on.");
      expect((await second.word("turn_ended")).text).toBe("finished after the kill");
    });

    test("a state folder that the run may not write is a failed start", async () => {
      const run = start({ env: { WAYBILL_STATE: "/waybill/inbox/state" } });
      expect((await run.exit()).code).toBe(73);
      expect(run.stderr()).toMatch(/STATE_UNWRITABLE.*uid \d+ may write/);
      expect(run.words).toEqual([]);
    });

    test("an old host drives the image by prompt, files and frames", async () => {
      const workspace = join(at.home, "workspace");
      mkdirSync(join(workspace, "ipc", "input"), { recursive: true });
      for (const folder of ["", "ipc", "ipc/input"]) chownSync(join(workspace, folder), UID, UID);
      const name = `tb-agent-coder-${randomUUID().slice(0, 8)}`;
      names.push(name);
      const how =
        `run -i --rm --name ${name} --user ${UID}:${UID} -v ${workspace}:/workspace --network none ` +
        `-v ${socketFolder}:/waybill/model:ro -e ANTHROPIC_UNIX_SOCKET=/waybill/model/model.sock ${IMAGE}`;
      const child = spawn("docker", how.split(" "));
      const prompt = script(`tool task_complete {"task":"t-1"}`, "say done");
      child.stdin.end(
        JSON.stringify({
          prompt,
          sessionId: null,
          agentSlug: "coder",
          agentName: "Кодер",
          secrets: {},
        }),
      );
      let stdout = "";
      child.stdout.on("data", (data: Buffer) => (stdout += data.toString()));
      await expect.poll(() => stdout, { timeout: 30_000 }).toContain("---AGENT_OUTPUT_END---");
      rmSync(join(workspace, "ipc", "input", "_close"), { force: true });
      execFileSync("touch", [join(workspace, "ipc", "input", "_close")]);
      const [code] = await new Promise<[number | null]>((resolve) => {
        child.on("exit", (exitCode) => resolve([exitCode]));
      });
      expect(code).toBe(0);
      expect(JSON.parse(stdout.split("\n")[1]!)).toMatchObject({
        status: "success",
        result: "done",
      });
      expect(readdirSync(join(workspace, "ipc", "tasks"))).toHaveLength(1);
    });

    test("it says which protocol it speaks, and has a numeric user that is not root", () => {
      const [image] = JSON.parse(
        execFileSync("docker", ["image", "inspect", IMAGE]).toString(),
      ) as [{ Config: { Labels: Record<string, string>; User: string } }];
      expect(image.Config.Labels["dev.waybill.protocol"]).toBe("1");
      expect(image.Config.User).toMatch(/^[1-9]\d*:[1-9]\d*$/);
    });

    test("a user without an account starts with code that was compiled with the image, and leaves nothing of it in /tmp", async () => {
      const run = start({ env: { NODE_DEBUG_NATIVE: "COMPILE_CACHE" } });
      run.send("m-1", script(`tool Bash {"command":"ls -A /tmp"}`, "say done"));
      await run.word("turn_ended");
      for (const file of ["agent/dist/program.js", "claude-agent-sdk/sdk.mjs"]) {
        expect(run.stderr()).toMatch(new RegExp(`V8 code cache for ESM \\S+${file} was accepted`));
      }
      expect(lastRequest(at.model, at.conversation).results.at(-1)).not.toContain("compiled");
    });

    test("the model is reached with a placeholder where no key is inside", async () => {
      const run = start();
      run.send("m-1", "hello");
      await run.word("turn_ended");
      // The first 12 hex digits of the SHA-256 of "placeholder".
      expect(requestsOf(at.model, at.conversation)[0]?.credential).toEqual({
        header: "x-api-key",
        sha256: "4097889236a2",
      });
    });
  },
);

/** Why the image cannot be tried here; null where it can. */
function whyMissing(): string | null {
  const found = spawnSync("docker", ["image", "inspect", IMAGE]);
  if (found.error !== undefined) return "There is no docker command.";
  if (found.status === 0) return null;
  return `Build it: docker build -f packages/agent/Dockerfile -t ${IMAGE} . (${found.stderr.toString().trim().split("\n")[0]})`;
}
