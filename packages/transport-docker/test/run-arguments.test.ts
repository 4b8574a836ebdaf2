import type { RunPlan } from "@waybill/core";
import { describe, expect, test } from "vitest";
import { settingsOf } from "../src/options.ts";
import type { DockerTransportOptions } from "../src/index.ts";
import { runEnvironment } from "../src/start/environment.ts";
import { runArguments } from "../src/engine/run-arguments.ts";
import type { RunCommand } from "../src/engine/run-arguments.ts";
import { runContainer } from "../src/start/run-container.ts";

const plan: RunPlan = {
  owner: "store-1",
  sessionId: "s 1",
  runId: "run-1",
  epoch: 2,
  control: "/host/control",
  launch: { host: "/host/launch", at: "/waybill/launch" },
  protocol: 1,
  user: { uid: 5, gid: 6 },
  folders: [
    { host: "/host/ws", at: "/workspace", write: true },
    { host: '/host/in, "x"', at: "/waybill/inbox", write: false },
  ],
  env: { WAYBILL_INBOX: { folder: "/waybill/inbox" }, NAME: "Кодер", LINES: "one\ntwo" },
  cwd: "/workspace",
  stdin: { host: "/host/stdin", at: "/waybill/stdin" },
  stdout: { host: "/host/stdout", at: "/waybill/stdout" },
  stderr: { host: "/host/stderr", at: "/waybill/stderr" },
};

function commandOf(
  options: Partial<DockerTransportOptions> = {},
  changed: Partial<RunPlan> = {},
): RunCommand {
  const parts = {
    token: "token-1",
    imageId: "sha256:abc",
    argv: ["node", "main.js"],
    user: "5:6",
    mounts: [],
  };
  const settings = settingsOf({ image: "agent:1", ...options });
  return runArguments(runContainer({ ...plan, ...changed }, settings, parts));
}

const argumentsOf = (...given: Parameters<typeof commandOf>): readonly string[] =>
  commandOf(...given).args;

describe("the arguments of a run", () => {
  test("contain everything by default", () => {
    expect(argumentsOf()).toEqual(
      expect.arrayContaining([
        "--detach",
        "--pull=never",
        "--init",
        "--stop-signal=SIGTERM",
        "--stop-timeout=10",
        "--network=none",
        "--read-only",
        "--tmpfs=/tmp:rw,nosuid,nodev,size=64m",
        "--cap-drop=ALL",
        "--security-opt=no-new-privileges",
        "--memory=536870912",
        "--memory-swap=536870912",
        "--pids-limit=128",
        "--ipc=private",
        "--ulimit=fsize=1073741824",
        "--ulimit=core=0",
        "--user=5:6",
        "--workdir=/workspace",
        "--log-opt=max-size=16m",
      ]),
    );
  });

  test("never remove the container, and keep no value of the environment but what is read", () => {
    const { args, input } = commandOf();
    expect(args).not.toContain("--rm");
    expect(args.join(" ")).not.toContain("Кодер");
    expect(args).toContain("--env-file=/dev/stdin");
    expect(input).toBe("HOME=/tmp\nWAYBILL_INBOX=/waybill/inbox\nNAME=Кодер\n");
    expect(args).toContain("--env=LINES=one\ntwo");
  });

  test("name and label the container so that it is found again", () => {
    expect(argumentsOf().filter((one) => /^--(?:name|label)=/u.test(one))).toEqual([
      "--name=waybill-run-1",
      "--label=waybill.owner=store-1",
      "--label=waybill.session=s 1",
      "--label=waybill.run=run-1",
      "--label=waybill.epoch=2",
      "--label=waybill.control=/host/control",
      "--label=waybill.launch.host=/host/launch",
      "--label=waybill.launch.at=/waybill/launch",
      "--label=waybill.token=token-1",
      "--label=waybill.image=agent:1",
    ]);
  });

  test("mount every folder and stream on its own, quoted as the engine reads it", () => {
    expect(argumentsOf().filter((one) => one.startsWith("--mount="))).toEqual([
      "--mount=type=bind,source=/host/ws,target=/workspace",
      '--mount=type=bind,"source=/host/in, ""x""",target=/waybill/inbox,readonly',
      "--mount=type=bind,source=/host/launch,target=/waybill/launch",
      "--mount=type=bind,source=/host/stdin,target=/waybill/stdin,readonly",
      "--mount=type=bind,source=/host/stdout,target=/waybill/stdout",
      "--mount=type=bind,source=/host/stderr,target=/waybill/stderr",
    ]);
  });

  test("mount a launch folder that the plan lists among its folders only once", () => {
    const folders = [...plan.folders, { ...plan.launch, write: true }];
    const mounts = argumentsOf({}, { folders }).filter((one) =>
      one.includes("source=/host/launch"),
    );
    expect(mounts).toEqual(["--mount=type=bind,source=/host/launch,target=/waybill/launch"]);
  });

  test("refuse two sources for one place", () => {
    const folders = [...plan.folders, { host: "/other", at: "/workspace", write: true }];
    expect(() => argumentsOf({}, { folders })).toThrow(/both to be mounted at \/workspace/u);
  });

  test("end with the image's id and the start line", () => {
    const args = argumentsOf();
    const tail = args.slice(args.indexOf("--entrypoint=/bin/sh"));
    expect(tail.slice(0, 3)).toEqual(["--entrypoint=/bin/sh", "sha256:abc", "-c"]);
    expect(tail.slice(4)).toEqual([
      "sh",
      "/waybill/launch/started",
      "token-1",
      "/waybill/stdin",
      "/waybill/stdout",
      "/waybill/stderr",
      ...["", "0", "0", "0"], // no lease
      "node",
      "main.js",
    ]);
  });

  test("tell the lease of a run that has one, and mount its file where the run cannot write", () => {
    const file = { host: "/h/lease", at: "/waybill/in/lease" };
    const args = argumentsOf({}, { lease: { ms: 60_000, graceMs: 10_000, file } });
    expect(args.slice(-6)).toEqual(["/waybill/in/lease", "60", "3", "10", "node", "main.js"]);
    expect(args.find((each) => each.includes("/h/lease"))).toMatch(/readonly/u);
  });

  test("change only where an option says so", () => {
    const plain = argumentsOf();
    const loosened = argumentsOf({
      network: "board",
      memory: "1g",
      cpus: 1.5,
      pids: 64,
      readOnlyRoot: false,
      capabilities: ["NET_BIND_SERVICE"],
    });
    expect(loosened.filter((one) => !plain.includes(one))).toEqual([
      "--network=board",
      "--cap-add=NET_BIND_SERVICE",
      "--memory=1073741824",
      "--memory-swap=1073741824",
      "--cpus=1.5",
      "--pids-limit=64",
    ]);
    expect(plain.filter((one) => !loosened.includes(one))).toContain("--read-only");
  });
});

describe("the environment of a run", () => {
  test("has paths as the run sees them, and a home", () => {
    expect(runEnvironment(plan)).toEqual({
      HOME: "/tmp",
      WAYBILL_INBOX: "/waybill/inbox",
      NAME: "Кодер",
      LINES: "one\ntwo",
    });
  });

  test("keeps a home that the plan names", () => {
    const own = { ...plan, env: { HOME: "/waybill/state" } };
    expect(runEnvironment(own)).toEqual({ HOME: "/waybill/state" });
  });

  test("refuses a name that would be read as something else", () => {
    for (const name of ["A B", "#A", "A=B", "", "A\nB"]) {
      expect(() => runEnvironment({ ...plan, env: { [name]: "x" } })).toThrow(TypeError);
    }
  });
});
